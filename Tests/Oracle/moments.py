"""Times and timestamps as text, told with whole numbers only, so that no nanosecond and no far year is lost."""

import re

import pyarrow as pa

import arrow

TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def values(rng, type, count):
    """Random values of a type; where they have a year, it is one of four digits, which is all that other readers know."""
    if not pa.types.is_timestamp(type):
        return arrow.values(rng, type, count)
    ticks = TICKS[type.unit]
    low, high = (-62_135_596_800, 253_402_300_799) if type.unit != "ns" else (-9_223_372_035, 9_223_372_035)
    return pa.array([None if rng.random() < 0.2 else rng.randint(low * ticks, high * ticks) for _ in range(count)], type)


def days(year, month, day):
    """Days since 1970-01-01 in the Gregorian calendar, of any year."""
    year -= month <= 2
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + day_of_year - 719_468


def ticks(text, type):
    """The number that stands for a text of a time or timestamp type; fails when it is not written as documented."""
    found = re.fullmatch(r"(?:([+-]?\d{4,})-(\d\d)-(\d\d)T)?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z?)", text)
    assert found, (text, type)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    assert bool(year) == pa.types.is_timestamp(type)
    assert bool(zone) == bool(year and type.tz)
    seconds = (days(int(year), int(month), int(day)) if year else 0) * 86400
    seconds += int(hour) * 3600 + int(minute) * 60 + int(second)
    count, rest = divmod(seconds * 10**9 + int((fraction or "").ljust(9, "0")), 10**9 // TICKS[type.unit])
    assert rest == 0, (text, type)
    return count
