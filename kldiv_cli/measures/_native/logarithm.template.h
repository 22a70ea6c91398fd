/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Logarithms in vectors.
 */

/* 2 atanh(r) / r - 2 over z = r**2, for |r| <= 0.172. */
static inline doubles_t atanh_series(doubles_t z)
{
    static const double odd[10] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11,
                                   2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
    return polynomial(z, odd, 10);
}

/* log(x) for a normal x > 0. */
static inline doubles_t logarithm(doubles_t x)
{
    longs_t bits = (longs_t)x, power = (bits - 0x3fe6a09e667f3bcd) >> 52;
    doubles_t f = (doubles_t)(bits - (power << 52)) - 1.0, r = f / (2.0 + f), z = r * r;
    doubles_t k = (doubles_t)(power + 0x4338000000000000) - 0x1.8p52;
    doubles_t rest = FMADD(k, ALL(0x1.a39ef35793c76p-33), r * z * atanh_series(z));
    return FMADD(k, ALL(0x1.62e42fee00000p-1), 2.0 * r + rest);
}

/* z - log(1 + z) from z and 1 + z, with all digits near 0. */
static inline doubles_t log1p_lacks(doubles_t z, doubles_t one_more)
{
    doubles_t r = z / (2.0 + z), square = r * r;
    doubles_t near = r * (z - square * atanh_series(square));
    return CHOSEN(AT_MOST(MAGNITUDE(z), ALL(0.25)), near, z - logarithm(one_more));
}
