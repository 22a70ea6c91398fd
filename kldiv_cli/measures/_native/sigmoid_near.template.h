/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Bernoulli cells, p = sigma(s / T), q = sigma(t / T). A careful form divides by T, and keeps what
 * rounding takes from a large logit. A cell whose terms are below 1e-300 may get others as small.
 */

/* What is found of a cell: three divergences, abs(p - q), and p, q and e = log(q / p) of its likely
 * outcome and of the other one, in the order of `outcomes_t`. */
typedef struct {
    double jeffreys, kl, reverse_kl, tv;
    double p_likely, p_other, q_likely, q_other, e_likely, e_other;
} cell_t;

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

/* The sum of z**k / (2 k + 1), which is atanh(sqrt(z)) / sqrt(z), for the z of small steps. */
TEMPLATE double small_atanh(double z)
{
    double p = MADD(0x1.7b83090047493p-4, z, 0x1.c70d00fc75aaap-4);
    p = MADD(p, z, 0x1.249250d0221cbp-3);
    p = MADD(p, z, 0x1.999999962896ep-3);
    p = MADD(p, z, 0x1.55555555559d9p-2);
    return MADD(p, z, 1.0);
}

/* tau and E = exp(-abs(s + t) / (2 T)) of a cell of a small step d = (t - s) / T, with tau = tanh(d / 4)
 * of the sign that d has where s + t >= 0. */
typedef struct {
    double d, tau, decay;
} near_t;

TEMPLATE near_t near_of(double s, double t, temperature_t temperature, const int close,
                        const int careful)
{
    double d = step_of(s, t, temperature, careful);
    d = s + t < 0.0 ? -d : d;
    return (near_t){d, quarter_tanh(d, close), decay_of(s, t, temperature, careful)};
}

/* abs(p - q) = abs(tau) * W with W = V / (1 - (m tau)**2), V = 1 - m**2, m = tanh(abs(s + t) / (4 T)) =
 * (1 - E) / (1 + E), which times abs(d) is J. */
TEMPLATE cell_t cell_near_alone(double s, double t, temperature_t temperature, const int close,
                                const int careful)
{
    near_t x = near_of(s, t, temperature, close, careful);
    double all = 1.0 + x.decay, part = x.tau * (1.0 - x.decay);
    double difference = x.tau * (4.0 * x.decay) / MADD(all, all, -(part * part));
    return (cell_t){.jeffreys = x.d * difference, .tv = fabs(difference)};
}

/* All of it: (KL(p||q) - KL(q||p)) / 2 = m tau**2 (d W / 2 - 2 tau V Q), with Q the divided difference
 * of atanh(sqrt(x)) / sqrt(x) from (m tau)**2 to tau**2; and the likely outcome's
 * e = 2 (atanh(tau) - atanh(m tau)) = 2 atanh(tau (1 - m) / (1 - m tau**2)), d more than the other's. */
TEMPLATE cell_t cell_near(double s, double t, temperature_t temperature, const int close,
                          const int careful)
{
    near_t x = near_of(s, t, temperature, close, careful);
    double tau = x.tau, all = 1.0 + x.decay, part = tau * (1.0 - x.decay);
    double more = all + part, less = all - part, both = more * less, rest = all - part * tau;
    double all_rest = all * rest, ratio = 1.0 / (all_rest * both), of_both = all_rest * ratio;
    double inverse = both * (rest * ratio), of_rest = both * (all * ratio);
    double m = (1.0 - x.decay) * inverse, v = 4.0 * x.decay * (inverse * inverse);
    double difference = tau * (4.0 * x.decay * of_both), jeffreys = x.d * difference;
    double apart = tau * tau * v, q = divided_atanh(2.0 * tau * tau - apart, apart * apart, close);
    double half = 0.5 * jeffreys, skew = m * tau * (half - 2.0 * apart * q);
    double y = 2.0 * x.decay * tau * of_rest, e = 2.0 * (y * small_atanh(y * y));
    double of_p = more * of_both, of_q = less * of_both;
    return (cell_t){
        .jeffreys = jeffreys,
        .kl = half + skew,
        .reverse_kl = half - skew,
        .tv = fabs(difference),
        .p_likely = (1.0 - tau) * of_p,
        .p_other = x.decay * (1.0 + tau) * of_p,
        .q_likely = (1.0 + tau) * of_q,
        .q_other = x.decay * (1.0 - tau) * of_q,
        .e_likely = e,
        .e_other = e - x.d,
    };
}
