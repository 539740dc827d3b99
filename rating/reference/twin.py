"""The twin of the pricing kernel: one event, lists, Decimal, and a sentence for each step.

Slow and obvious: it walks beat by beat (in strides only where a step holds thousands of them),
rounds Decimals with the decimal module's own modes, and shares no arithmetic with the kernel. It is
the oracle of the property tests and what ``explain`` prints.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext
from typing import TYPE_CHECKING

from rating.cycles import from_us
from rating.kernels import guide as status
from rating.reference.discounts import taken_off
from rating.reference.pieces import FREE, SECOND, Piece, cut
from rating.reference.steps import MICRO, Charge, NotRatedError, money, show
from rating.schema import MONEY_LIMIT, RUM_UNITS
from tariffs.compiled import SPEND, STEP_KINDS

if TYPE_CHECKING:
    from rating.reference.balances import Balances
    from rating.reference.classify import Event
    from rating.reference.grants import Grant
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

__all__ = ["rate"]

LIMIT = money(MONEY_LIMIT)
STRIDE = 1000
"""Beats that are walked one by one; the rest of a longer step is taken in one stride."""
MODES = (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_UP, ROUND_DOWN)
CONSECUTIVE, ISOLATED = 1, 2


def rate(event: Event, book: CompiledBook, data: Subscribers, balances: Balances) -> Charge:
    """Rates one event and takes from the balances.

    Args:
        event: From :func:`rating.reference.classify.classify`.
        book: The tariff book.
        data: The subscribers.
        balances: Changed, unless the event cannot be rated.

    Raises:
        NotRatedError: With the reason's status; the balances are as before.
    """
    with localcontext() as context:
        context.prec = 80
        return _Meter(event, book, data, balances).run()


class _Meter:
    """The state of one event while it is rated."""

    def __init__(
        self, event: Event, book: CompiledBook, data: Subscribers, balances: Balances
    ) -> None:
        self.event, self.book, self.data, self.balances = event, book, data, balances
        self.charge = Charge(steps=list(event.steps))
        self.unit = RUM_UNITS[book.rule_rum[event.rule]]
        self.priced = 0
        self.paid = 0
        self.last_model = -1
        self.counted: list[tuple[int, int]] = []

    def run(self) -> Charge:
        """Does everything in order."""
        event, book = self.event, self.book
        pieces = cut(event, book, self.data)
        self.charge.band = pieces[0].band
        zero = event.quantity == 0 and bool(book.rule_zero_duration[event.rule])
        try:
            if zero:
                self.charge.tell("zero", f"Nothing was used: {self._rule()} rates that zero.")
            else:
                for piece in pieces:
                    self._piece(piece, len(pieces) > 1)
                self._once(pieces[0].model)
            _within(max(self.charge.usage, self.charge.connect, self.charge.gross))
        except NotRatedError:
            for grant, units in self.charge.takes:
                self.balances.take(grant, self.event, -units)
            for count, units in self.counted:
                self.balances.add(count, self.event, -units)
            raise
        if self.charge.gross > 0:
            self._discounts()
            self._caps_and_rounding()
        self.balances.count_event(self.event, self.charge.net)
        return self.charge

    def _rule(self) -> str:
        return f"rule {self.book.rules[self.event.rule]}"

    def _when(self, unit: int) -> str:
        """Returns the local time at which a unit begins."""
        moment = self.event.start + unit * SECOND
        zone = self.book.time_zone
        return f"{from_us(moment, zone):%H:%M:%S}"

    def _piece(self, piece: Piece, several: bool) -> None:  # noqa: FBT001
        """Covers and prices one piece."""
        charge, book = self.charge, self.book
        split = int(book.rule_split[self.event.rule])
        if several:
            charge.tell(
                "piece",
                f"From {self._when(piece.begin)} to {self._when(piece.end)} the band is "
                f"{book.bands[piece.band]}.",
                begin=piece.begin,
                end=piece.end,
                band=book.bands[piece.band],
            )
        at = piece.begin
        if split == CONSECUTIVE:
            at = max(at, self.paid)
        if split == ISOLATED:
            self.priced = 0
        if piece.model == FREE:
            charge.tell("free", f"Free by {self._rule()}.")
            self.paid = max(at, piece.end)
            return
        steps = range(book.pm_step_first[piece.model], book.pm_step_first[piece.model + 1])
        for grant in self.balances.usable(self.event.period, self.event.start):
            if at < piece.end and self._covers(grant, piece.band):
                beat = int(book.alw_beat[grant.allowance]) or int(book.step_beat[steps[0]])
                at += self._take(grant, piece.end - at, beat)
        end = piece.end if split == ISOLATED else self.event.quantity
        if at < piece.end and book.pm_count[piece.model] >= 0:
            self._counted_walk(piece, at, end)
        else:
            entering = piece.model != self.last_model or split == ISOLATED
            self._walk(piece, at, end, entering=entering)

    def _counted_walk(self, piece: Piece, at: int, end: int) -> None:
        """Prices a piece through steps that stand where the day or the cycle has come to."""
        book, balances, charge = self.book, self.balances, self.charge
        count, before = int(book.pm_count[piece.model]), self.priced
        stand = self.priced = balances.count_of(count, self.event)
        period = "day" if book.cnt_daily[count] else "cycle"
        name = book.counts[count]
        charge.tell(
            "count",
            f"The steps of {book.price_models[piece.model]} stand at {stand} {self.unit} of the "
            f"{period}.",
            count=name,
            counted=stand,
            per=period,
        )
        self._walk(piece, at, end, entering=False)
        units = self.priced - stand
        balances.add(count, self.event, units)
        self.counted.append((count, units))
        self.priced = before + units

    def _walk(self, piece: Piece, at: int, end: int, *, entering: bool) -> None:
        """Prices a piece through the steps from a unit on."""
        book = self.book
        steps = range(book.pm_step_first[piece.model], book.pm_step_first[piece.model + 1])
        reached = self.priced + end - at
        volume = STEP_KINDS[book.pm_kind[piece.model]] == "volume"
        while at < piece.end:
            stand = reached if volume else self.priced
            step = max(i for i in steps if book.step_from[i] <= stand)
            later = [int(book.step_from[i]) for i in steps if book.step_from[i] > stand]
            ends = [] if volume else later
            if book.step_flat[step]:
                units = min([end - at, *(one - self.priced for one in ends)])
                begins = not volume and self.priced == book.step_from[step]
                self._flat(piece, step, at, units, due=entering or begins)
            else:
                units = self._beats(piece.end - at, int(book.step_beat[step]), ends)
                self._line(piece, step, at, units)
            at += units
            # what follows is a step that the event comes to now, or the end of the piece
            entering = True
            self.last_model = piece.model
        self.paid = at

    def _beats(self, wanted: int, beat: int, ends: list[int]) -> int:
        """Returns the units of the beats that begin in the current step and cover ``wanted``."""
        units = 0
        end = ends[0] if ends else None

        def fits(units: int) -> bool:
            return units < wanted and (end is None or self.priced + units < end)

        for _ in range(STRIDE):
            if not fits(units):
                return units
            units += beat
        stride = wanted - units if end is None else min(wanted, end - self.priced) - units
        units += max(0, stride // beat * beat)
        while fits(units):
            units += beat
        return units

    def _covers(self, grant: Grant, band: int) -> bool:
        """Returns whether an allowance is meant for the event in this band."""
        book, allowance = self.book, grant.allowance
        return bool(
            book.alw_rum[allowance] == book.rule_rum[self.event.rule]
            and book.alw_match[allowance * book.n_classes + self.event.class_id]
            and int(book.alw_bands[allowance]) >> band & 1
        )

    def _take(self, grant: Grant, wanted: int, beat: int) -> int:
        """Takes whole beats, as far as the grant reaches; returns the units."""
        units = min(-(-wanted // beat), self.balances.left(grant, self.event) // beat) * beat
        if units <= 0:
            return 0
        self.balances.take(grant, self.event, units)
        still = self.balances.left(grant, self.event)
        charge = self.charge
        charge.covered += units
        held = [at for at, (held, _) in enumerate(charge.takes) if held is grant]
        if held:
            charge.takes[held[0]] = (grant, charge.takes[held[0]][1] + units)
        else:
            charge.takes.append((grant, units))
        name = self.book.allowances[grant.allowance]
        left = "" if still > 2**62 else f", {still} {self.unit} left"
        charge.tell(
            "allowance",
            f"Allowance {name} covers {units} {self.unit}{left}.",
            allowance=name,
            units=units,
            left=still,
        )
        if self.balances.throttled(grant, self.event):
            charge.throttled = True
            most = int(self.book.alw_throttle[grant.allowance])
            charge.tell("throttle", f"Beyond {most} {self.unit} of {name}: throttled.")
        return units

    def _line(self, piece: Piece, step: int, at: int, units: int) -> None:
        """Prices the beats of one step."""
        book, charge = self.book, self.charge
        price, per = money(book.step_price[step]), int(book.step_per[step])
        beat = int(book.step_beat[step])
        amount = (price * units / per).quantize(MICRO, ROUND_HALF_UP)
        charge.usage += amount
        _within(max(amount, charge.usage))
        charge.charged += units
        self.priced += units
        beats = units // beat
        charge.tell(
            "line",
            f"{beats} beat{'s' if beats != 1 else ''} of {beat} {self.unit} at {show(price)} per "
            f"{per} {self.unit} ({book.bands[piece.band]}, {book.price_models[piece.model]}).",
            amount,
            begin=at,
            units=units,
            beat=beat,
            price=price,
            per=per,
            band=book.bands[piece.band],
        )

    def _flat(self, piece: Piece, step: int, at: int, units: int, *, due: bool) -> None:
        """Prices what is used of a step that has one price."""
        book, charge = self.book, self.charge
        amount = money(book.step_price[step]) if due else Decimal(0)
        charge.usage += amount
        _within(max(amount, charge.usage))
        charge.charged += units
        self.priced += units
        model = book.price_models[piece.model]
        what = f"One price for the step from {book.step_from[step]} {self.unit} on"
        charge.tell(
            "line",
            f"{what} ({book.bands[piece.band]}, {model})" + ("." if due else ", paid before."),
            amount,
            begin=at,
            units=units,
            price=money(book.step_price[step]),
            band=book.bands[piece.band],
        )

    def _once(self, model: int) -> None:
        """Adds what is charged once per event: connect fee, minimum, maximum."""
        book, charge, event = self.book, self.charge, self.event
        if model == FREE or (charge.charged == 0 and event.quantity > 0):
            return
        least = max(money(book.pm_min[model]), money(book.rule_minimum[event.rule]))
        if charge.usage < least and not event.continues:
            charge.tell("minimum", f"At least {show(least)} of usage.", least - charge.usage)
            charge.usage = least
        most = money(book.pm_max[model])
        if most >= 0 and charge.usage > most:
            charge.tell("maximum", f"At most {show(most)} of usage.", most - charge.usage)
            charge.usage = most
        connect = money(book.pm_connect[model])
        if connect and event.continues:
            text = "No connect fee: it is due where the call or session began."
            charge.tell("connect", text, Decimal(0))
        elif connect:
            charge.connect = connect
            charge.tell("connect", "Connect fee, once per event.", charge.connect)

    def _discounts(self) -> None:
        """Takes the plan's discounts in order, each from what is left."""
        book, charge = self.book, self.charge
        plan = int(self.data.plan[self.event.period])
        left = (charge.usage, charge.connect)
        seen: set[int] = set()
        for d in book.plan_disc[book.plan_disc_first[plan] : book.plan_disc_first[plan + 1]]:
            group = int(book.disc_one_of[d])
            if not self._discount_holds(int(d)) or (group and group in seen):
                continue
            seen.add(group)
            off, words = taken_off(book, int(d), *left)
            left = (left[0] - off[0], left[1] - off[1])
            taken = off[0] + off[1]
            if taken > 0:
                charge.discount += taken
                charge.discounts.append(int(d))
                name = book.discounts[d]
                charge.tell(
                    "discount", f"{name}: {words}{self._threshold(int(d))}.", -taken, discount=name
                )
            if book.disc_exclusive[d]:
                break

    def _discount_holds(self, d: int) -> bool:
        """Returns whether a discount's conditions hold for the event."""
        book, event = self.book, self.event
        return bool(
            book.disc_match[d * book.n_classes + event.class_id]
            and int(book.disc_bands[d]) >> self.charge.band & 1
            and self._tier_fits(int(book.disc_tiers[d]))
            and (event.friend or not book.disc_friends[d])
            and (event.in_group or not book.disc_group[d])
            and book.disc_from_us[d] <= event.start < book.disc_to_us[d]
            and self._threshold_reached(d)
        )

    def _tier_fits(self, tiers: int) -> bool:
        """Returns whether the subscriber has one of the tiers, or his group in this cycle."""
        period = self.event.period
        if tiers == -1 or tiers >> int(self.data.tier[period]) & 1:
            return True
        group = int(self.data.vpmn[period])
        tier = self.data.group_terms.tier_in(group, *self.balances.bounds) if group else None
        return tier is not None and bool(tiers >> tier & 1)

    def _threshold_reached(self, d: int) -> bool:
        """Returns whether so much was counted before the event as a discount asks for."""
        book, count = self.book, int(self.book.disc_count[d])
        return count < 0 or self.balances.count_of(count, self.event) >= book.disc_after[d]

    def _threshold(self, d: int) -> str:
        """Returns the threshold of a discount in words, empty where it has none."""
        book, count = self.book, int(self.book.disc_count[d])
        if count < 0:
            return ""
        rum, counted = int(book.cnt_rum[count]), self.balances.count_of(count, self.event)
        period = "day" if book.cnt_daily[count] else "cycle"
        if rum == SPEND:
            return f", as {show(money(counted))} were spent in the {period} before"
        return f", as {counted} {RUM_UNITS[rum]} were used in the {period} before"

    def _caps_and_rounding(self) -> None:
        """Limits to what the caps leave, then rounds without passing them."""
        book, charge, spent = self.book, self.charge, self.balances.spent
        caps = [
            (cap, key)
            for cap, key in self.balances.caps(self.event.period, self.event.start)
            if book.cap_match[cap * book.n_classes + self.event.class_id]
        ]
        exact = charge.gross - charge.discount
        room = LIMIT
        for cap, key in caps:
            left = max(Decimal(0), money(book.cap_amount[cap]) - spent.get(key, Decimal(0)))
            if left < min(room, exact):
                text = f"Cap {book.caps[cap]}: {show(left)} of the cycle's {show(money(book.cap_amount[cap]))} left."
                charge.tell("cap", text, left - min(room, exact), cap=book.caps[cap])
            room = min(room, left)
        charge.cap = exact - min(exact, room)
        exact -= charge.cap
        unit = money(book.round_unit)
        net = (exact / unit).quantize(Decimal(1), MODES[book.round_mode]) * unit
        if net > room:
            net = (exact / unit).quantize(Decimal(1), ROUND_DOWN) * unit
        charge.net = net
        charge.rounding = net - exact
        if charge.rounding:
            mode = ("half up", "half even", "up", "down")[book.round_mode]
            charge.tell("rounding", f"Rounded {mode} to {show(unit)}.", charge.rounding)
        for _, key in caps:
            spent[key] = spent.get(key, Decimal(0)) + net


def _within(amount: Decimal) -> None:
    """Refuses an amount that the money columns cannot hold."""
    if amount > LIMIT:
        raise NotRatedError(status.OVERFLOW)
