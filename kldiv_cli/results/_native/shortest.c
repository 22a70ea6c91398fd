/* After R. Giulietti, "The Schubfach way to render doubles" (2020), in the form that A. Bolz gave
 * it: of the decimals between a float64's two neighbours the shortest, and of these the closest. */

#include <stdbool.h>
#include <string.h>

#include "shortest.h"

typedef struct {
    uint64_t digits;
    int exponent;
} decimal_t;

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

/* Return the upper half of a product, and put the lower one aside. */
static inline uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
    const uint64_t half = UINT32_MAX;
    uint64_t inner = (a & half) * (b & half);
    uint64_t middle = (a >> 32) * (b & half) + (inner >> 32);
    uint64_t other = (a & half) * (b >> 32) + (middle & half);
    *low = a * b;
    return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
}

/* Return the upper 64 of 192 bits; the last one is set where any below it is. */
static inline uint64_t round_to_odd(const uint64_t power[2], uint64_t factor)
{
    uint64_t low, unused;
    uint64_t high = multiply(power[0], factor, &low);
    uint64_t carried = low + multiply(power[1], factor, &unused);
    high += carried < low;
    return high | (carried > 1);
}

/* floor(log2(10**e)) for |e| <= 1233 */
static inline int log2_of_power(int e)
{
    return (int)((e * (int64_t)1741647) >> 19);
}

/* Of a number that is neither 0, infinite nor NaN. */
static decimal_t shortest(uint64_t bits, const uint64_t (*powers)[2])
{
    const uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    const int biased = (int)(bits >> 52 & 0x7FF);
    const uint64_t c = biased ? fraction | (uint64_t)1 << 52 : fraction;
    const int q = (biased ? biased : 1) - 1075;
    if (q <= 0 && q > -53 && (c & (((uint64_t)1 << -q) - 1)) == 0)
        return (decimal_t){c >> -q, 0};

    const bool closer = fraction == 0 && biased > 1; /* the neighbour below */
    const int k = (int)((q * (int64_t)1262611 - (closer ? 524031 : 0)) >> 22);
    const int shift = q + log2_of_power(-k) + 1;
    const uint64_t *power = powers[-k - LEAST_POWER];
    const uint64_t odd = c & 1;
    const uint64_t lower = round_to_odd(power, (4 * c - 2 + closer) << shift) + odd;
    const uint64_t value = round_to_odd(power, 4 * c << shift);
    const uint64_t upper = round_to_odd(power, (4 * c + 2) << shift) - odd;
    const uint64_t s = value / 4;
    if (s >= 10) {
        const uint64_t tens = s / 10;
        const bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
        if (below != above)
            return (decimal_t){tens + above, k + 1};
    }
    const bool below = lower <= 4 * s, above = 4 * s + 4 <= upper;
    if (below != above)
        return (decimal_t){s + above, k};
    const uint64_t middle = 4 * s + 2;
    return (decimal_t){s + (value > middle || (value == middle && (s & 1))), k};
}

/* Write digits so that they end at a place, and return where they begin. */
static char *digits_before(char *end, uint64_t x)
{
    for (; x >= 100; x /= 100)
        memcpy(end -= 2, pairs + 2 * (x % 100), 2);
    if (x >= 10)
        return memcpy(end - 2, pairs + 2 * x, 2);
    *--end = (char)('0' + x);
    return end;
}

static char *write_exponent(char *to, int e)
{
    *to++ = 'e';
    *to++ = e < 0 ? '-' : '+';
    e = e < 0 ? -e : e;
    if (e >= 100) {
        *to++ = (char)('0' + e / 100);
        e %= 100;
    }
    memcpy(to, pairs + 2 * e, 2);
    return to + 2;
}

static char *append(char *to, const char *from, int count)
{
    memcpy(to, from, (size_t)count);
    return to + count;
}

/* `point` digits stand before the point; where it is not above 0, so many zeros behind it. */
static char *write_plain(char *to, const char *digits, int count, int point)
{
    if (point <= 0) {
        to = append(to, "0.000", 2 - point);
        return append(to, digits, count);
    }
    if (count > point) {
        to = append(to, digits, point);
        *to++ = '.';
        return append(to, digits + point, count - point);
    }
    to = append(to, digits, count);
    memset(to, '0', (size_t)(point - count));
    return append(to + (point - count), ".0", 2);
}

char *write_float(char *to, double x, const uint64_t (*powers)[2])
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (bits >> 63)
        *to++ = '-';
    bits &= UINT64_MAX >> 1;
    if (bits == 0)
        return append(to, "0.0", 3);
    decimal_t found = shortest(bits, powers);
    char room[LONGEST_NUMBER];
    char *end = room + sizeof room, *digits = digits_before(end, found.digits);
    int count = (int)(end - digits), point = count + found.exponent;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (point > -4 && point <= 16)
        return write_plain(to, digits, count, point);
    *to++ = digits[0];
    if (count > 1) {
        *to++ = '.';
        to = append(to, digits + 1, count - 1);
    }
    return write_exponent(to, point - 1);
}

char *write_integer(char *to, int64_t x)
{
    char room[LONGEST_NUMBER];
    char *end = room + sizeof room;
    uint64_t size = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    if (x < 0)
        *to++ = '-';
    char *digits = digits_before(end, size);
    return append(to, digits, (int)(end - digits));
}
