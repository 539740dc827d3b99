/* Counts the calls that change files below a folder, and kills or refuses the n-th.
 *
 * Loaded before the C library (LD_PRELOAD); does nothing until fault_arm is called.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static size_t length;
static long at;
static int error_number; /* 0: kill */
static long calls, steps;

/* Begins to count.
 *
 * below  only calls on files below this folder count
 * number the call that is hit, the first is 1; 0 counts only
 * error  0 kills the process, and only steps count: what makes data or names durable, or moves or
 *        removes them; ENOSPC is refused from there on to all that needs space, as on a full
 *        disk; any other error is given once
 */
void fault_arm(const char *below, long number, int error) {
    strncpy(folder, below, sizeof folder - 1);
    length = strlen(folder);
    at = number;
    error_number = error;
    calls = steps = 0;
}

long fault_calls(void) { return calls; }

long fault_steps(void) { return steps; }

/* Returns whether a call is refused; does not return from a kill. */
static int refused(int needs_space, int step) {
    long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST), number = call;
    if (!error_number) {
        if (!step) return 0;
        number = __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST);
    }
    if (!at) return 0;
    if (number == at && !error_number) {
        syscall(SYS_kill, getpid(), SIGKILL);
        for (;;) pause();
    }
    if (!error_number) return 0;
    if (error_number == ENOSPC ? number >= at && needs_space : number == at) {
        errno = error_number;
        return 1;
    }
    return 0;
}

static int below(const char *path) {
    char whole[PATH_MAX];
    if (!length || !path) return 0;
    if (path[0] == '/') return !strncmp(path, folder, length);
    return getcwd(whole, sizeof whole) && !strncmp(whole, folder, length);
}

static int file_below(int handle) {
    char link[64], path[PATH_MAX];
    if (!length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return below(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ON_FILE(type, name, arguments, passed, needs_space, step)      \
    type name arguments {                                        \
        static __typeof__(&name) real;                           \
        if (!real) real = REAL(name);                            \
        if (file_below(handle) && refused(needs_space, step)) return -1; \
        return real passed;                                      \
    }
#define ON_PATH(name, arguments, passed, path, needs_space, step)      \
    int name arguments {                                         \
        static __typeof__(&name) real;                           \
        if (!real) real = REAL(name);                            \
        if (below(path) && refused(needs_space, step)) return -1;      \
        return real passed;                                      \
    }

ON_FILE(ssize_t, write, (int handle, const void *data, size_t size), (handle, data, size), 1, 0)
ON_FILE(ssize_t, pwrite, (int handle, const void *data, size_t size, off_t place),
        (handle, data, size, place), 1, 0)
ON_FILE(ssize_t, pwrite64, (int handle, const void *data, size_t size, off64_t place),
        (handle, data, size, place), 1, 0)
ON_FILE(ssize_t, writev, (int handle, const struct iovec *data, int count), (handle, data, count), 1, 0)
ON_FILE(int, fsync, (int handle), (handle), 0, 1)
ON_FILE(int, fdatasync, (int handle), (handle), 0, 1)
ON_FILE(int, ftruncate, (int handle, off_t size), (handle, size), size > 0, 0)
ON_FILE(int, ftruncate64, (int handle, off64_t size), (handle, size), size > 0, 0)
ON_PATH(mkdir, (const char *path, mode_t mode), (path, mode), path, 1, 1)
ON_PATH(unlink, (const char *path), (path), path, 0, 1)
ON_PATH(rmdir, (const char *path), (path), path, 0, 1)
ON_PATH(rename, (const char *from, const char *to), (from, to), to, 1, 1)
ON_PATH(link, (const char *from, const char *to), (from, to), to, 1, 1)
ON_PATH(linkat, (int from_at, const char *from, int to_at, const char *to, int flags),
        (from_at, from, to_at, to, flags), to, 1, 1)

#define OPEN(name)                                                              \
    int name(const char *path, int flags, ...) {                                \
        static int (*real)(const char *, int, ...);                             \
        mode_t mode = 0;                                                        \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        if (flags & O_CREAT) {                                                  \
            va_list rest;                                                       \
            va_start(rest, flags);                                              \
            mode = va_arg(rest, mode_t);                                        \
            va_end(rest);                                                       \
            if (below(path) && access(path, F_OK) && refused(1, 0)) return -1;     \
        }                                                                       \
        return real(path, flags, mode);                                         \
    }
OPEN(open)
OPEN(open64)
