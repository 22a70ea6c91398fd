/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The terms of outcomes whose e = log(q / p) is beyond the polynomials, form by form. With
 * m = max(p, q), a = abs(e), E = exp(-a), u = 1 - E: the other probability is m * E.
 */

/* Some outcomes; x is log p + log W, as in close_sums.template.h. */
typedef struct {
    ALIGNED double x[CLOSE_TILE + VECTOR], e[CLOSE_TILE + VECTOR], m[CLOSE_TILE + VECTOR];
    ptrdiff_t n;
} outcomes_t;

/* A * KL(p||M) + B * KL(q||M) with M = weight * p + other * q; the parameters in this order. KL(p||M)
 * is the sum of p * (z - log(1 + z)), z = M / p - 1. */
TEMPLATE doubles_t of_mixture(const double *parameter, choice_t p_larger, doubles_t decay,
                              doubles_t share)
{
    doubles_t a = CHOSEN(p_larger, ALL(parameter[0]), ALL(parameter[1]));
    doubles_t b = CHOSEN(p_larger, ALL(parameter[1]), ALL(parameter[0]));
    doubles_t own = CHOSEN(p_larger, ALL(parameter[2]), ALL(parameter[3]));
    doubles_t other = CHOSEN(p_larger, ALL(parameter[3]), ALL(parameter[2]));
    doubles_t larger = log1p_lacks(-other * share, own + other * decay);
    doubles_t z = own * share / decay, smaller = log1p_lacks(z, other + own / decay);
    return a * larger + b * decay * smaller;
}

/* The same from one logarithm, where neither weight is small. */
TEMPLATE doubles_t of_even_mixture(const double *parameter, choice_t p_larger, doubles_t a,
                                   doubles_t decay, doubles_t share)
{
    doubles_t of_larger = CHOSEN(p_larger, ALL(parameter[0]), ALL(parameter[1]));
    doubles_t of_smaller = CHOSEN(p_larger, ALL(parameter[1]), ALL(parameter[0]));
    doubles_t own = CHOSEN(p_larger, ALL(parameter[2]), ALL(parameter[3]));
    doubles_t other = CHOSEN(p_larger, ALL(parameter[3]), ALL(parameter[2]));
    doubles_t mixture = logarithm(own + other * decay);
    return of_larger * (-other * share - mixture) +
           of_smaller * (own * share - decay * (mixture + a));
}

/* (sqrt(p) - sqrt(q))**2 */
TEMPLATE doubles_t of_roots(doubles_t decay, doubles_t share)
{
    doubles_t less = share / (1.0 + ROOT(decay));
    return less * less;
}

/* p * (exp(c e) - 1 - c * (exp(e) - 1)), or the same of q and -e where the sides are swapped; the
 * parameters are c, one that is not of the terms, and whether they are. */
TEMPLATE doubles_t of_power(const double *parameter, choice_t p_larger, doubles_t a,
                            doubles_t decay, doubles_t share)
{
    doubles_t c = ALL(parameter[0]), sign = ALL(parameter[2] != 0.0 ? -1.0 : 1.0), grown, phi;
    doubles_t down = CHOSEN(p_larger, sign, -sign); /* 1 where the term's own side is the larger */
    choice_t larger = GREATER(down, ALL(0.0));
    grown_by(-down * c * a, &grown, &phi);
    return CHOSEN(larger, grown, decay * grown) + down * c * share;
}

TEMPLATE double sum_far(const value_t *value, const outcomes_t *far, const enum form form,
                        const int even)
{
    doubles_t sum = ALL(0.0);
    for (ptrdiff_t i = 0; i < far->n; i += VECTOR) {
        doubles_t m = DOUBLES(far->m + i), e = DOUBLES(far->e + i), a = MAGNITUDE(e), grown, phi;
        doubles_t decay = grown_by(-a, &grown, &phi), term;
        choice_t p_larger = AT_MOST(e, ALL(0.0));
        if (form == MIXTURE && even)
            term = of_even_mixture(value->parameter, p_larger, a, decay, -grown);
        else if (form == MIXTURE)
            term = of_mixture(value->parameter, p_larger, decay, -grown);
        else if (form == HELLINGER)
            term = of_roots(decay, -grown);
        else
            term = of_power(value->parameter, p_larger, a, decay, -grown);
        sum = FMADD(m, term, sum);
    }
    return total(sum);
}

static double far_terms(const value_t *value, const outcomes_t *far)
{
    switch (value->form) {
    case MIXTURE:
        if (fmin(value->parameter[2], value->parameter[3]) >= 0.45)
            return sum_far(value, far, MIXTURE, 1);
        return sum_far(value, far, MIXTURE, 0);
    case HELLINGER:
        return sum_far(value, far, HELLINGER, 0);
    default:
        return sum_far(value, far, RENYI, 0);
    }
}

TEMPLATE double sum_near(const double *near, const double *v, const double *e, ptrdiff_t n,
                         const int terms)
{
    doubles_t sum[2] = {ALL(0.0), ALL(0.0)};
    for (ptrdiff_t i = 0; i < n; i += 2 * VECTOR) {
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            doubles_t of = polynomial(DOUBLES(e + i + k * VECTOR), near, terms);
            sum[k] = FMADD(of, DOUBLES(v + i + k * VECTOR), sum[k]);
        }
    }
    return total(sum[0] + sum[1]);
}

/* The sum of v * P(e), P of so many terms or fewer: the coefficients behind them are 0. */
static double near_terms(const double *near, int terms, const double *v, const double *e,
                         ptrdiff_t n)
{
    if (terms <= 8)
        return sum_near(near, v, e, n, 8);
    if (terms <= 10)
        return sum_near(near, v, e, n, 10);
    if (terms <= 12)
        return sum_near(near, v, e, n, 12);
    if (terms <= 16)
        return sum_near(near, v, e, n, 16);
    return sum_near(near, v, e, n, MOST_TERMS);
}
