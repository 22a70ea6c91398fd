/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The values of a plan under sigmoid, a term per cell, from what sigmoid_fill.template.h found of the
 * cells. A term that these forms do not hold is NaN, and NumPy computes its row.
 */

/* Beyond, outcomes are left to NumPy whose probability may be no float64. */
#define FAR_STEP 600.0

/* The sum over both outcomes of p * e**2 * P(e), P of so many terms. */
TEMPLATE void fill_near_of(const found_t *of, const double *p, const int terms, ptrdiff_t start,
                           ptrdiff_t end, double *to)
{
#pragma omp simd
    for (ptrdiff_t i = start; i < end; i++) {
        double a = of->e[0][i], b = of->e[1][i], x = p[terms - 1], y = x;
        for (int k = terms - 2; k >= 0; k--) {
            x = MADD(x, a, p[k]);
            y = MADD(y, b, p[k]);
        }
        to[i] = of->p[0][i] * (a * a) * x + of->p[1][i] * (b * b) * y;
    }
}

#define NEAR_OF(terms) \
    case terms: \
        fill_near_of(of, p, terms, start, end, to); \
        return 1;

/* Whether a value has a polynomial of the tier, by which the terms are filled then. */
static int fill_near(const found_t *of, const value_t *value, tier_t tier, ptrdiff_t start,
                     ptrdiff_t end, double *to)
{
    if (tier == ANY_STEPS)
        return 0;
    const double *p = value->near[tier];
    switch (value->terms[tier]) {
        NEAR_OF(6)
        NEAR_OF(8)
        NEAR_OF(10)
        NEAR_OF(12)
        NEAR_OF(14)
    default:
        return 0;
    }
}

/* KL of p from share * p + other * q less what adds up to 0 over the outcomes: p * (x - log(1 + x)),
 * 1 + x = share + other * q / p. */
TEMPLATE double mixture_term(double p, double q, double e, double share, double other)
{
    double less, phi, excess, ratio = exp_less(-e, &less, &phi);
    double x = -other * less, log = log1p_excess(x, MADD(other, ratio, share), &excess);
    return x > 1.0 ? other * (q - p) - p * log : p * excess;
}

static void fill_mixture(const found_t *of, const double *parameter, ptrdiff_t start, ptrdiff_t end,
                         double *to)
{
    const double of_p = parameter[0], of_q = parameter[1];
    const double share = parameter[2], other = parameter[3], bound = parameter[4];
    for (ptrdiff_t i = start; i < end; i++)
        to[i] = 0.0;
    for (int k = 0; k < 2; k++) {
        if (of_p != 0.0) {
#pragma omp simd
            for (ptrdiff_t i = start; i < end; i++)
                to[i] += of_p * mixture_term(of->p[k][i], of->q[k][i], of->e[k][i], share, other);
        }
        if (of_q != 0.0) {
#pragma omp simd
            for (ptrdiff_t i = start; i < end; i++)
                to[i] += of_q * mixture_term(of->q[k][i], of->p[k][i], -of->e[k][i], other, share);
        }
    }
    for (ptrdiff_t i = start; i < end; i++)
        to[i] = to[i] > bound ? bound : to[i];
}

/* 1/2 sum (sqrt p - sqrt q)**2 = x / (1 + sqrt(1 - x)), x = abs(p - q) * tanh(abs(d) / 4), near;
 * (p - q)**2 / (sqrt p + sqrt q)**2 beyond. */
static void fill_hellinger_near(const found_t *of, ptrdiff_t start, ptrdiff_t end, double *to)
{
#pragma omp simd
    for (ptrdiff_t i = start; i < end; i++) {
        double x = of->tv[i] * fabs(quarter_tanh(of->e[0][i] - of->e[1][i], 0));
        double p = MADD(0x1.560b9f0b171b8p-6, x, 0x1.bff2d0514fe90p-6);
        p = MADD(p, x, 0x1.4000069d7c06fp-5);
        p = MADD(p, x, 0x1.fffffffd009bcp-5);
        p = MADD(p, x, 0x1.00000000001fcp-3);
        to[i] = x * MADD(p, x, 0.5);
    }
}

TEMPLATE double hellinger_term(double p, double q)
{
    double root = sqrt((p * 0x1p500) * (q * 0x1p500)); /* p * q may underflow */
    return 1.0 / (p + q + 0x1p-499 * root);
}

static void fill_hellinger(const found_t *of, tier_t tier, ptrdiff_t start, ptrdiff_t end,
                           double *to)
{
    if (tier != ANY_STEPS) {
        fill_hellinger_near(of, start, end, to);
        return;
    }
#pragma omp simd
    for (ptrdiff_t i = start; i < end; i++) {
        double both =
            hellinger_term(of->p[0][i], of->q[0][i]) + hellinger_term(of->p[1][i], of->q[1][i]);
        double x = 0.5 * of->tv[i] * (of->tv[i] * both);
        to[i] = x > 1.0 ? 1.0 : x;
    }
}

static void fill_largest_ratio(const found_t *of, ptrdiff_t start, ptrdiff_t end, double *to)
{
#pragma omp simd
    for (ptrdiff_t i = start; i < end; i++)
        to[i] = of->e[0][i] < of->e[1][i] ? -of->e[0][i] : -of->e[1][i];
}

/* The logarithm of sum p**(1-c) * q**c over both outcomes by its excess over 1, whose terms have one
 * sign, and where that nears -1 by the sum itself. */
TEMPLATE double renyi_term(double p, double q, double e, double c, double *whole)
{
    double less, phi, less_c, phi_c;
    exp_less(-e, &less, &phi);
    *whole += p * exp_less(-c * e, &less_c, &phi_c);
    double term = p * (e < -1.0 ? c * less - less_c : phi_c - c * phi);
    term = e > 1.0 ? c * (p - q) - p * less_c : term; /* q has digits that exp(e) lacks */
    int known = (c * e <= 16.0) & (c * e >= -FAR_STEP);
    return known ? term : NAN;
}

/* log(1 + x), x finite, from y = 1 + x; else NaN. */
TEMPLATE double log_of_sum(double x, double y)
{
    double unused, log = log1p_excess(x, y, &unused);
    return x < INFINITY ? log : NAN;
}

TEMPLATE void fill_renyi_of(const found_t *of, const double *parameter, const int swapped,
                            ptrdiff_t start, ptrdiff_t end, double *to)
{
    const double c = parameter[0], inverse = -1.0 / parameter[1];
#pragma omp simd
    for (ptrdiff_t i = start; i < end; i++) {
        double whole = 0.0;
        double x = swapped ? renyi_term(of->q[0][i], of->p[0][i], -of->e[0][i], c, &whole) +
                                 renyi_term(of->q[1][i], of->p[1][i], -of->e[1][i], c, &whole)
                           : renyi_term(of->p[0][i], of->q[0][i], of->e[0][i], c, &whole) +
                                 renyi_term(of->p[1][i], of->q[1][i], of->e[1][i], c, &whole);
        to[i] = inverse * log_of_sum(x, x > -0.5 ? 1.0 + x : whole);
    }
}

/* The same from the excess x of a close cell, which is small for a c of moderate size. */
static void fill_logarithm(double c, double inverse, ptrdiff_t start, ptrdiff_t end, double *to)
{
    if (fabs(c * (1.0 - c)) < 5.0) {
#pragma omp simd
        for (ptrdiff_t i = start; i < end; i++) {
            double r = to[i] / (2.0 + to[i]), z = r * r;
            to[i] = 2.0 * inverse * MADD(z * atanh_tail(z), r, r);
        }
    } else {
#pragma omp simd
        for (ptrdiff_t i = start; i < end; i++)
            to[i] = inverse * log_of_sum(to[i], 1.0 + to[i]);
    }
}

static void fill_renyi(const found_t *of, const value_t *value, tier_t tier, ptrdiff_t start,
                       ptrdiff_t end, double *to)
{
    if (fill_near(of, value, tier, start, end, to)) {
        fill_logarithm(value->parameter[0], -1.0 / value->parameter[1], start, end, to);
    } else if (value->parameter[2] != 0.0) {
        fill_renyi_of(of, value->parameter, 1, start, end, to);
    } else {
        fill_renyi_of(of, value->parameter, 0, start, end, to);
    }
}
