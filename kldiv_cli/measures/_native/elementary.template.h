/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * exp, expm1 and log1p in float64. A compiler can vectorise the loops around them.
 */

TEMPLATE uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

TEMPLATE double of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* (exp(r) - 1 - r) / r**2 for |r| <= log(2) / 2, to 2e-16: a Remez polynomial. */
TEMPLATE double exp_tail(double r)
{
    double q = 0x1.af635cab91497p-26;
    q = MADD(q, r, 0x1.2891a96730357p-22);
    q = MADD(q, r, 0x1.71ddf699753a1p-19);
    q = MADD(q, r, 0x1.a019b8eec83c5p-16);
    q = MADD(q, r, 0x1.a01a01b0158f2p-13);
    q = MADD(q, r, 0x1.6c16c17893b36p-10);
    q = MADD(q, r, 0x1.111111110f7f0p-7);
    q = MADD(q, r, 0x1.5555555553d4fp-5);
    q = MADD(q, r, 0x1.5555555555558p-3);
    return MADD(q, r, 0x1.0000000000001p-1);
}

/* Split x = n * log(2) + r, |r| <= log(2) / 2, for |x| <= 709; return 2**n and set r. */
TEMPLATE double reduce(double x, double *r)
{
    const double shift = 0x1.8p52;
    double z = MADD(x, 0x1.71547652b82fep+0, shift);
    double n = z - shift;
    *r = MADD(n, -0x1.62e42fee00000p-1, x);
    *r = MADD(n, -0x1.a39ef35793c76p-33, *r);
    return of_bits((bits_of(z) + 1023) << 52);
}

/* exp(x) for |x| <= 700, to 1e-15 + 4e-17 * |x| of it: for weights, where an error costs no more
 * than itself. A Remez polynomial with one constant for log(2). */
TEMPLATE double exp_roughly(double x)
{
    const double shift = 0x1.8p52 + 1023;
    double z = MADD(x, 0x1.71547652b82fep+0, shift), r = MADD(z - shift, -0x1.62e42fefa39efp-1, x);
    double q = 0x1.27103f733e24ap-22;
    q = MADD(q, r, 0x1.72e21d9289e48p-19);
    q = MADD(q, r, 0x1.a01b60c627748p-16);
    q = MADD(q, r, 0x1.a019948775031p-13);
    q = MADD(q, r, 0x1.6c16c0dd0caf7p-10);
    q = MADD(q, r, 0x1.111111236045ep-7);
    q = MADD(q, r, 0x1.555555557ddd0p-5);
    q = MADD(q, r, 0x1.55555555516a1p-3);
    q = MADD(q, r, 0x1.fffffffffff47p-2);
    q = MADD(q, r, 1.0);
    return of_bits(bits_of(z) << 52) * MADD(q, r, 1.0);
}

/* exp(x + low) for x <= 0 and |low| far below 1; 0 below -708; NaN for NaN. */
TEMPLATE double exp_negative(double x, double low)
{
    double r, scale = reduce(x < -708.0 ? -708.0 : x, &r);
    r += low;
    double value = scale * (1.0 + MADD(exp_tail(r) * r, r, r));
    return x < -708.0 ? 0.0 : value;
}

/* exp(x) - 1, and exp(x) - 1 - x without cancellation in *phi; +inf above 700; NaN for NaN. */
TEMPLATE double expm1_phi(double x, double *phi)
{
    double r, clamped = x < -708.0 ? -708.0 : x > 700.0 ? 700.0 : x;
    double scale = reduce(clamped, &r);
    double tail = scale * (exp_tail(r) * r * r);
    double high = x > 700.0 ? INFINITY : scale - 1.0;
    *phi = high + (MADD(scale, r, -x) + tail);
    return high + MADD(scale, r, tail);
}

/* exp(-a) for 0 <= a <= 700, 1 - exp(-a), and exp(-a) - 1 + a without cancellation in *phi. */
TEMPLATE double exp_less(double a, double *share, double *phi)
{
    double r, scale = reduce(-a, &r), tail = exp_tail(r) * r * r, grown = r + tail;
    *share = (1.0 - scale) - scale * grown;
    *phi = (scale - 1.0) + (MADD(scale, r, a) + scale * tail);
    return MADD(scale, grown, scale);
}

/* (atanh(r) - r) / r**3 from z = r**2, for 0 <= r <= 0.427. */
TEMPLATE double atanh_tail(double z)
{
    double p = 0x1.e858b63e980aap-4;
    p = MADD(p, z, -0x1.20faf400aa329p-9);
    p = MADD(p, z, 0x1.f7043b6e7875dp-5);
    p = MADD(p, z, 0x1.9a51bf6332c47p-5);
    p = MADD(p, z, 0x1.e46050dc9bb52p-5);
    p = MADD(p, z, 0x1.10f7daeac5327p-4);
    p = MADD(p, z, 0x1.3b14fe6f321b0p-4);
    p = MADD(p, z, 0x1.745d0c6c0643fp-4);
    p = MADD(p, z, 0x1.c71c71fc47fe9p-4);
    p = MADD(p, z, 0x1.249249244f30ep-3);
    p = MADD(p, z, 0x1.9999999999dbcp-3);
    return MADD(p, z, 0x1.5555555555555p-2);
}

/* log(1 + x) from x > -1 and y = 1 + x, each with all its digits, and x - log(1 + x) in *excess. Near 0
 * by r = x / (2 + x), else by y = 2**n * f. */
TEMPLATE double log1p_excess(double x, double y, double *excess)
{
    int near = (x > -0.57) & (x < 1.48);
    uint64_t places = bits_of(y) + (((uint64_t)1023 << 52) - 0x3fe6a09e667f3bcd);
    uint64_t biased = places >> 52;
    double f = of_bits(bits_of(y) - ((biased - 1023) << 52));
    double n = of_bits(biased | 0x4330000000000000) - (0x1p52 + 1023.0);
    n = near ? 0.0 : n;
    double r = (near ? x : f - 1.0) / (near ? 2.0 + x : f + 1.0), z = r * r;
    double tail = 2.0 * (z * atanh_tail(z));
    double log = n * 0x1.62e42fee00000p-1 + (MADD(tail, r, 2.0 * r) + n * 0x1.a39ef35793c76p-33);
    *excess = near ? r * (x - tail) : x - log;
    return log;
}
