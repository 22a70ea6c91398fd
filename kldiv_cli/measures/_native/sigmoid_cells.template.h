/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Cells of logits as independent Bernoulli variables, p = sigma(s / T), q = sigma(t / T): what a row
 * of them is, and the form that its cells take.
 */

/* The sums over a row; one_sided is the part of J, KL(p||q) and KL(q||p) of cells that are infinite on
 * one side only, and step the largest of the others. */
typedef struct {
    total_t jeffreys, kl, reverse_kl;
    double one_sided[3], step;
    int64_t same, of;
    int undefined;
} cells_t;

/* log(1 + exp(x / T)), where x is the logit, or -logit if it is turned. */
static double softplus(double logit, int turned, temperature_t temperature)
{
    double low = 0.0, x = over(turned ? -logit : logit, &low, temperature);
    if (!(fabs(x) < 708.0))
        return fmax(x, exp(-fabs(x)));
    return fmax(x, 0.0) + log1p(exp(-fabs(x)) * (1.0 - (x < 0.0 ? -low : low)));
}

/* Note NaN. Add the divergences of cells that are infinite on one side only, and set both sides
 * to 0 there. Return the largest step of the others. */
static double settle(double *s, double *t, ptrdiff_t n, temperature_t temperature, cells_t *sum)
{
    double largest = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) {
        sum->undefined |= s[i] != s[i] || t[i] != t[i];
        if (s[i] == t[i])
            continue;
        if (!(isinf(s[i]) || isinf(t[i]))) {
            largest = fmax(largest, fabs(t[i] - s[i]));
            continue;
        }
        double kl = isinf(t[i]) ? INFINITY : softplus(t[i], s[i] > 0.0, temperature);
        double reverse_kl = isinf(s[i]) ? INFINITY : softplus(s[i], t[i] > 0.0, temperature);
        add_to(&sum->jeffreys, INFINITY);
        add_to(&sum->kl, kl);
        add_to(&sum->reverse_kl, reverse_kl);
        sum->one_sided[0] = INFINITY;
        sum->one_sided[1] += kl;
        sum->one_sided[2] += reverse_kl;
        s[i] = t[i] = 0.0;
    }
    return largest;
}

/* Beyond, exp_roughly would lose digits. */
#define NEAR_ZERO 32.0

/* Which form the cells of one row take, or of one tile of it: how far apart both sides are, and
 * whether the rounding of a logit over T is seen in its exponential. */
typedef enum { CLOSE_STEPS, SMALL_STEPS, ANY_STEPS } tier_t;

typedef struct {
    tier_t tier;
    int careful;
} form_t;

static inline int is_same(form_t a, form_t b)
{
    return a.tier == b.tier && a.careful == b.careful;
}

/* Count the cells of one row with the same sign, settle infinite cells, and return the form. Padding
 * does not count: -inf, or one number of at most masked, on both sides. The counts are of float64, so
 * that the loop has one type. */
static form_t scan_cells(double *s, double *t, ptrdiff_t n, temperature_t temperature,
                         double masked, cells_t *sum)
{
    double same = 0.0, padding = 0.0, unsettled = 0.0, logit = 0.0, largest = 0.0;
#pragma omp simd reduction(+ : same, padding, unsettled) reduction(max : logit, largest)
    for (ptrdiff_t i = 0; i < n; i++) {
        double step = s[i] == t[i] ? 0.0 : t[i] - s[i];
        double pad = ((s[i] == t[i]) & (s[i] <= masked)) ? 1.0 : 0.0;
        same += (s[i] > 0.0) == (t[i] > 0.0) ? 1.0 - pad : 0.0;
        padding += pad;
        unsettled += step * 0.0; /* NaN for NaN and for infinities */
        double high = fabs(s[i]) > fabs(t[i]) ? fabs(s[i]) : fabs(t[i]);
        high = step == 0.0 ? 0.0 : high;
        logit = high > logit ? high : logit;
        largest = fabs(step) > largest ? fabs(step) : largest;
    }
    sum->same += (int64_t)same;
    sum->of += n - (int64_t)padding;
    if (unsettled != 0.0)
        largest = settle(s, t, n, temperature, sum);
    sum->step = largest > sum->step ? largest : sum->step;
    largest *= temperature.inverse;
    return (form_t){largest < CLOSE_STEP   ? CLOSE_STEPS
                    : largest < SMALL_STEP ? SMALL_STEPS
                                           : ANY_STEPS,
                    temperature.divides || !(logit < NEAR_ZERO)};
}
