/* Decodes and frees records with a decoder that asn1c made: what `huadan bench decode` runs beside us.
 *
 * asn1c_main FILE ROUNDS: FILE holds records, each behind its length as 4 octets in the order of
 * this machine. Prints how many records were decoded and how many were refused, in all rounds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include ROOT_HEADER

extern asn_TYPE_descriptor_t ROOT;

static unsigned char *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) return NULL;
    long end = ftell(file);
    if (end < 0 || fseek(file, 0, SEEK_SET) != 0) return NULL;
    unsigned char *data = malloc((size_t)end + 1);
    if (data == NULL || fread(data, 1, (size_t)end, file) != (size_t)end) return NULL;
    fclose(file);
    *size = (size_t)end;
    return data;
}

int main(int count, char **words) {
    size_t size = 0;
    unsigned char *data = count == 3 ? read_all(words[1], &size) : NULL;
    if (data == NULL) {
        fprintf(stderr, "usage: asn1c_main FILE ROUNDS\n");
        return 2;
    }
    long decoded = 0, refused = 0;
    for (int round = atoi(words[2]); round > 0; round--) {
        for (size_t at = 0; at + 4 <= size;) {
            uint32_t length;
            memcpy(&length, data + at, 4);
            at += 4;
            if (length > size - at) break;
            void *value = NULL;
            asn_dec_rval_t result = ber_decode(NULL, &ROOT, &value, data + at, length);
            if (result.code == RC_OK) decoded++;
            else refused++;
            ASN_STRUCT_FREE(ROOT, value);
            at += length;
        }
    }
    printf("%ld %ld\n", decoded, refused);
    return 0;
}
