/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Entropies and the cross-entropy of Bernoulli cells, from the logits: every term is >= 0.
 */

/* Beyond, the other outcome has no probability. */
#define CERTAIN 700.0

/* abs(s) / T = x, exp(-x), and log(1 + exp(-x)) and 1 / (1 + exp(-x)). */
typedef struct {
    double x, decay, log_partition, likely;
} surprise_t;

TEMPLATE surprise_t surprise_of(double s, temperature_t temperature, const int divides)
{
    double x = fabs(s);
    double low = 0.0, high = divides ? over(-x, &low, temperature) : -x, rest;
    x = divides ? x * temperature.inverse : x;
    double scale = reduce(high > -CERTAIN ? high : -CERTAIN, &rest);
    rest += low;
    double decay = x < CERTAIN ? scale * (1.0 + MADD(exp_tail(rest) * rest, rest, rest)) : 0.0;
    x = x < 0x1p1000 ? x : 0x1p1000;
    double ratio = 1.0 / ((1.0 + decay) * (2.0 + decay));
    double r = decay * (1.0 + decay) * ratio, z = r * r;
    double log_partition = 2.0 * MADD(z * atanh_tail(z), r, r);
    return (surprise_t){x, decay, log_partition, (2.0 + decay) * ratio};
}

TEMPLATE void fill_entropy_of(const double *s, const stretch_t *of, const int divides, double *to)
{
    const temperature_t temperature = of->temperature;
#pragma omp simd
    for (ptrdiff_t i = of->start; i < of->end; i++) {
        surprise_t x = surprise_of(s[i], temperature, divides);
        to[i] = MADD(x.x, x.decay * x.likely, x.log_partition);
    }
}

static void fill_entropy(const double *s, const stretch_t *of, double *to)
{
    if (of->temperature.divides)
        fill_entropy_of(s, of, 1, to);
    else
        fill_entropy_of(s, of, 0, to);
}

/* The candidate's surprise at either outcome is log_partition, and x more at its less likely one. */
TEMPLATE void fill_cross_entropy_of(const stretch_t *of, const int divides, double *to)
{
    const double *s = of->s, *t = of->t;
    const temperature_t temperature = of->temperature;
#pragma omp simd
    for (ptrdiff_t i = of->start; i < of->end; i++) {
        surprise_t p = surprise_of(s[i], temperature, divides);
        surprise_t q = surprise_of(t[i], temperature, divides);
        int turned = (s[i] < 0.0) != (t[i] < 0.0);
        to[i] = MADD(q.x, turned ? p.likely : p.decay * p.likely, q.log_partition);
    }
}

static void fill_cross_entropy(const stretch_t *of, double *to)
{
    if (of->temperature.divides)
        fill_cross_entropy_of(of, 1, to);
    else
        fill_cross_entropy_of(of, 0, to);
}

/* Fill in the terms of a value, one per cell. */
static void fill_value(const stretch_t *of, const found_t *found, const value_t *value, tier_t tier,
                       double *to)
{
    ptrdiff_t start = of->start, end = of->end;
    switch (value->form) {
    case TV:
        memcpy(to + start, found->tv + start, (size_t)(end - start) * sizeof *to);
        break;
    case HELLINGER:
        fill_hellinger(found, tier, start, end, to);
        break;
    case MIXTURE:
        if (!fill_near(found, value, tier, start, end, to))
            fill_mixture(found, value->parameter, start, end, to);
        break;
    case RENYI:
        fill_renyi(found, value, tier, start, end, to);
        break;
    case LARGEST_RATIO:
        fill_largest_ratio(found, start, end, to);
        break;
    case CROSS_ENTROPY:
        fill_cross_entropy(of, to);
        break;
    case ENTROPY:
        fill_entropy(of->s, of, to);
        break;
    case ENTROPY_CANDIDATE:
        fill_entropy(of->t, of, to);
        break;
    default:
        break;
    }
}
