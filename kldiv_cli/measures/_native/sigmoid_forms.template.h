/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * J, KL(p||q) and KL(q||p) of Bernoulli cells, p = sigma(s / T), q = sigma(t / T). A careful form
 * divides by T, and keeps what rounding takes from a large logit. A cell whose terms are below
 * 1e-300 may get another number as small.
 */

typedef struct {
    double jeffreys, kl, reverse_kl;
} cell_t;

/* The divergences of the cells of a tile. */
typedef struct {
    ALIGNED double jeffreys[TILE], kl[TILE], reverse_kl[TILE];
} divergences_t;

/* exp((high + low) / T) for x between two bounds, that of the bound beyond; or exp(high). */
TEMPLATE double exp_between(double high, double low, double least, double most,
                            temperature_t temperature, const int careful)
{
    double x = careful ? over(high, &low, temperature) : high, r;
    int inside = (x > least) & (x < most);
    x = x > least ? x : least;
    x = x < most ? x : most;
    if (!careful)
        return exp_roughly(x);
    double scale = reduce(x, &r);
    r += inside ? low : 0.0;
    return scale * (1.0 + MADD(exp_tail(r) * r, r, r));
}

TEMPLATE double step_of(double s, double t, temperature_t temperature, const int careful)
{
    double step = s == t ? 0.0 : t - s;
    if (!careful)
        return step;
    step *= temperature.inverse;
    return step > DBL_MAX ? DBL_MAX : step < -DBL_MAX ? -DBL_MAX : step;
}

/* tanh(d / 4) for the steps of a tier. */
TEMPLATE double quarter_tanh(double d, const int close)
{
    double z = d * d, p;
    if (close) {
        p = -0x1.ba053d8d39405p-19;
    } else {
        p = MADD(-0x1.1fcaf23c6f395p-29, z, 0x1.664c6f5c07169p-24);
        p = MADD(p, z, -0x1.ba1ba04edcb17p-19);
    }
    p = MADD(p, z, close ? 0x1.111110d9173b2p-13 : 0x1.11111110e826ep-13);
    p = MADD(p, z, -0x1.5555555555000p-8);
    return MADD(p, z, 0.25) * d;
}

/* The sum over k >= 1 of (x**(k-1) + x**(k-2) * y + ... + y**(k-1)) / (2 k + 1), from x + y and
 * (x - y)**2: the divided difference of atanh(sqrt(x)) / sqrt(x). */
TEMPLATE double divided_atanh(double sum, double square, const int close)
{
    double p, q;
    if (close) {
        p = MADD(0x1.c756a2f9e02bep-5, sum, 0x1.b6db6b70f7ff6p-4);
        p = MADD(p, sum, 0x1.99999999a0df7p-3);
        q = MADD(0x1.c756a348ad76fp-5, sum, 0x1.2492483bd2e1ep-5);
    } else {
        p = MADD(0x1.e37a81ec574aep-7, sum, 0x1.d15ce22c22f48p-6);
        p = MADD(p, sum, 0x1.c71c891cca654p-5);
        p = MADD(p, sum, 0x1.b6db6dac62bcep-4);
        p = MADD(p, sum, 0x1.999999999b515p-3);
        q = MADD(0x1.92e6fa02a4716p-5, sum, 0x1.d15e9dc66ac0dp-5);
        q = MADD(q, sum, 0x1.c71c8271bf8c2p-5);
        q = MADD(q, sum, 0x1.24924922941d6p-5);
        double r = MADD(0x1.70032287b7e5ap-6, sum, 0x1.d881d485af2eap-7);
        r = MADD(r, sum, 0x1.745d230f08f71p-8);
        q = MADD(r, square, q);
    }
    return MADD(q, square, MADD(p, sum, 0x1.5555555555555p-2));
}

/* exp(-abs(s + t) / (2 T)) */
TEMPLATE double decay_of(double s, double t, temperature_t temperature, const int careful)
{
    double low = 0.0, x = careful ? two_diff(s, -t, &low) : s + t;
    low = x < 0.0 ? low : -low;
    return exp_between(-0.5 * fabs(x), 0.5 * low, careful ? -700.0 : -64.0, 0.0, temperature,
                       careful);
}

/* A cell of a small step. With E = exp(-abs(s + t) / (2 T)), m = tanh((s + t) / (4 T)),
 * tau = tanh(d / 4), d = (t - s) / T, V = 1 - m**2, W = V / (1 - (m tau)**2):
 * J = d tau W, and (KL(p||q) - KL(q||p)) / 2 = m tau**2 (d W / 2 - 2 tau V Q), with Q the divided
 * difference of atanh(sqrt(x)) / sqrt(x) from (m tau)**2 to tau**2. */
TEMPLATE double jeffreys_near(double s, double t, temperature_t temperature, const int close,
                              const int careful)
{
    double d = step_of(s, t, temperature, careful), decay = decay_of(s, t, temperature, careful);
    double tau = quarter_tanh(d, close), all = 1.0 + decay, part = tau * (1.0 - decay);
    return d * tau * (4.0 * decay) / MADD(all, all, -(part * part));
}

TEMPLATE cell_t cell_near(double s, double t, temperature_t temperature, const int close,
                          const int careful)
{
    double d = step_of(s, t, temperature, careful), decay = decay_of(s, t, temperature, careful);
    double tau = quarter_tanh(d, close), all = 1.0 + decay, part = tau * (1.0 - decay);
    double divisor = MADD(all, all, -(part * part)), ratio = 1.0 / (all * divisor);
    double inverse = divisor * ratio, w = 4.0 * decay * (all * ratio);
    double v = 4.0 * decay * (inverse * inverse), m = (1.0 - decay) * inverse, square = tau * tau;
    double apart = square * v, q = divided_atanh(2.0 * square - apart, apart * apart, close);
    double jeffreys = d * (tau * w), half = 0.5 * jeffreys;
    double skew = m * tau * (half - 2.0 * apart * q);
    skew = s + t < 0.0 ? -skew : skew;
    return (cell_t){jeffreys, half + skew, half - skew};
}

/* A cell of any step. Its signs are such that the larger logit in size, hi, is >= 0; lo is the other,
 * a = hi - lo. With c = exp(-lo), D = exp(-a), h = c D = exp(-hi) it is c, D, and their divisors. */
typedef struct {
    double lo, a, c, decay, share, phi, h, divisor;
} far_t;

TEMPLATE far_t far_of(double s, double t, temperature_t temperature, const int careful)
{
    int first = fabs(s) >= fabs(t);
    double hi = first ? s : t, lo = first ? t : s, a = fabs(step_of(s, t, temperature, careful));
    far_t cell;
    lo = hi < 0.0 ? -lo : lo;
    cell.lo = careful ? lo * temperature.inverse : lo;
    cell.c = exp_between(-lo, 0.0, -700.0, 345.0, temperature, careful);
    cell.a = a;
    cell.decay = exp_less(a < 700.0 ? a : 700.0, &cell.share, &cell.phi);
    cell.h = cell.c * cell.decay;
    cell.divisor = (1.0 + cell.c) * (1.0 + cell.h);
    return cell;
}

TEMPLATE double jeffreys_far(double s, double t, temperature_t temperature, const int careful)
{
    far_t x = far_of(s, t, temperature, careful);
    return x.a * (x.c * x.share) / x.divisor;
}

/* KL of hi from lo is log((1 + c) / (1 + h)) - a h / (1 + h), and no larger than the other. From lo
 * near 0 on it is log1p(y) - y + c psi / (1 + h), y = c (1 - D) / (1 + h), psi = 1 - D - a D; below,
 * the logarithm is -lo + log1p((1 / c - h) / (1 + h)). */
TEMPLATE cell_t cell_far(double s, double t, temperature_t temperature, const int careful)
{
    far_t x = far_of(s, t, temperature, careful);
    int above = x.lo >= -0.4;
    double grown = x.c * x.share, both = x.c * x.h;
    double over_y = above ? grown : 1.0 - both;
    double under_y = above ? 2.0 + x.c + x.h : 1.0 + 2.0 * x.c + both;
    double ratio = 1.0 / (x.divisor * under_y), inverse = ratio * under_y;
    double r = over_y * (x.divisor * ratio), z = r * r, series = atanh_tail(z);
    double upper = (1.0 + x.c) * inverse; /* 1 / (1 + h) */
    double jeffreys = x.a * (grown * inverse), y = grown * upper;
    double psi = x.a > 1.0 ? x.share - x.a * x.decay : x.a * x.share - x.phi;
    double near = MADD(x.c * upper, psi, r * (2.0 * (z * series) - y));
    double beyond = (2.0 * MADD(z * series, r, r) - x.lo) - x.a * (x.h * upper);
    double kl = above ? near : beyond, other = jeffreys - kl;
    int first = fabs(s) >= fabs(t);
    return (cell_t){jeffreys, first ? kl : other, first ? other : kl};
}

TEMPLATE void jeffreys_of_cells(const double *s, const double *t, ptrdiff_t start, ptrdiff_t end,
                                temperature_t temperature, const tier_t tier, const int careful,
                                divergences_t *of)
{
    const int close = tier == CLOSE_STEPS;
#pragma omp simd
    for (ptrdiff_t i = start; i < end; i++)
        of->jeffreys[i] = tier == ANY_STEPS
                              ? jeffreys_far(s[i], t[i], temperature, careful)
                              : jeffreys_near(s[i], t[i], temperature, close, careful);
}

TEMPLATE void all_of_cells(const double *s, const double *t, ptrdiff_t start, ptrdiff_t end,
                           temperature_t temperature, const tier_t tier, const int careful,
                           divergences_t *of)
{
    const int close = tier == CLOSE_STEPS;
#pragma omp simd
    for (ptrdiff_t i = start; i < end; i++) {
        cell_t cell = tier == ANY_STEPS ? cell_far(s[i], t[i], temperature, careful)
                                        : cell_near(s[i], t[i], temperature, close, careful);
        of->jeffreys[i] = cell.jeffreys;
        of->kl[i] = cell.kl;
        of->reverse_kl[i] = cell.reverse_kl;
    }
}

TEMPLATE void fill_tier(const double *s, const double *t, ptrdiff_t start, ptrdiff_t end,
                        temperature_t temperature, const tier_t tier, const int careful,
                        const int all, divergences_t *of)
{
    if (all)
        all_of_cells(s, t, start, end, temperature, tier, careful, of);
    else
        jeffreys_of_cells(s, t, start, end, temperature, tier, careful, of);
}

/* Fill some cells of a tile: with all divergences, or with J alone. */
TEMPLATE void fill(const double *s, const double *t, ptrdiff_t start, ptrdiff_t end,
                   temperature_t temperature, form_t form, const int all, divergences_t *of)
{
    if (form.tier == CLOSE_STEPS && !form.careful)
        fill_tier(s, t, start, end, temperature, CLOSE_STEPS, 0, all, of);
    else if (form.tier == CLOSE_STEPS)
        fill_tier(s, t, start, end, temperature, CLOSE_STEPS, 1, all, of);
    else if (form.tier == SMALL_STEPS && !form.careful)
        fill_tier(s, t, start, end, temperature, SMALL_STEPS, 0, all, of);
    else if (form.tier == SMALL_STEPS)
        fill_tier(s, t, start, end, temperature, SMALL_STEPS, 1, all, of);
    else if (!form.careful)
        fill_tier(s, t, start, end, temperature, ANY_STEPS, 0, all, of);
    else
        fill_tier(s, t, start, end, temperature, ANY_STEPS, 1, all, of);
}
