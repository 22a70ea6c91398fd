/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Cells of logits as independent Bernoulli variables, p = sigma(s / T), q = sigma(t / T): J, KL(p||q)
 * and KL(q||p) of each.
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

/* One cell: J = sigma(hi) * sigma(-lo) * (1 - exp(-a)) * a, hi and lo the larger and the smaller
 * logit over T, a = hi - lo. */
typedef struct {
    double jeffreys, exp_s, exp_t, step;
} cell_t;

TEMPLATE cell_t cell_of(double s, double t, temperature_t temperature, const int divides)
{
    double step = s == t ? 0.0 : t - s, x = -fabs(s), y = -fabs(t), low_s = 0.0, low_t = 0.0, phi;
    if (divides) {
        step *= temperature.inverse;
        step = step > DBL_MAX ? DBL_MAX : step < -DBL_MAX ? -DBL_MAX : step;
        x = over(x, &low_s, temperature);
        y = over(y, &low_t, temperature);
        low_s = x < -708.0 ? 0.0 : low_s;
        low_t = y < -708.0 ? 0.0 : low_t;
    }
    double exp_s = exp_negative(x, low_s), exp_t = exp_negative(y, low_t);
    double a = fabs(step), u = -expm1_phi(-a, &phi);
    int rises = t > s;
    double hi = rises ? t : s, lo = rises ? s : t;
    double exp_hi = rises ? exp_t : exp_s, exp_lo = rises ? exp_s : exp_t;
    double weight = (hi >= 0.0 ? 1.0 : exp_hi) * (lo <= 0.0 ? 1.0 : exp_lo);
    weight /= (1.0 + exp_s) * (1.0 + exp_t);
    return (cell_t){weight * u * a, exp_s, exp_t, step};
}

/* The same J with one exponential fewer, where none over- or underflows and the rounding of a is not
 * seen in exp(-a): with c = exp(lo), sigma(hi) * sigma(-lo) = c / ((c + exp(-a)) * (1 + c)). */
#define NEAR_ZERO 32.0

TEMPLATE double jeffreys_near_zero(double s, double t, const int small)
{
    double lo = t > s ? s : t, a = fabs(t - s), unused, less_one, decay;
    double c = exp_roughly(lo);
    if (small) {
        less_one = expm1_phi_small(-a, &unused);
        decay = 1.0 + less_one;
    } else {
        decay = exp_expm1(-a, &less_one);
    }
    return c / ((c + decay) * (1.0 + c)) * -less_one * a;
}

/* KL of a side from the other for a step of at most 1 from it to the other: with the signs such that
 * its logit is <= 0, a its probability and b = 1 - a, log(1 + a * phi(b * d) + b * phi(-a * d)). */
static inline double kl_near(double logit, double exp_self, double step)
{
    double d = logit > 0.0 ? -step : step, b = 1.0 / (1.0 + exp_self), a = exp_self * b, up, down;
    d = d < -1.0 ? -1.0 : d > 1.0 ? 1.0 : d;
    expm1_phi(b * d, &up);
    expm1_phi(-a * d, &down);
    return log1p_unit(a * up + b * down);
}

/* The same beyond: softplus(other) - softplus(self) - a * d, all signs turned alike. */
static inline double kl_far(double logit, double other, double exp_self, double exp_other,
                            double step)
{
    int turned = logit > 0.0;
    double d = turned ? -step : step, end = turned ? -other : other;
    double a = exp_self / (1.0 + exp_self);
    return (end > 0.0 ? end : 0.0) + (log1p_unit(exp_other) - log1p_unit(exp_self)) - a * d;
}

/* The divergences of the cells of a tile. */
typedef struct {
    ALIGNED double jeffreys[TILE], kl[TILE], reverse_kl[TILE];
} divergences_t;

TEMPLATE void all_cells(const double *s, const double *t, ptrdiff_t n, temperature_t temperature,
                        const int divides, divergences_t *of)
{
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) {
        cell_t cell = cell_of(s[i], t[i], temperature, divides);
        double x = s[i] * temperature.inverse, y = t[i] * temperature.inverse;
        double near = kl_near(s[i], cell.exp_s, cell.step);
        double far = kl_far(x, y, cell.exp_s, cell.exp_t, cell.step);
        double reverse_far = kl_far(y, x, cell.exp_t, cell.exp_s, -cell.step);
        int beyond = fabs(cell.step) > 1.0;
        of->jeffreys[i] = cell.jeffreys;
        of->kl[i] = beyond ? far : near;
        of->reverse_kl[i] = beyond ? reverse_far : cell.jeffreys - near;
    }
}

TEMPLATE void jeffreys_of_cells(const double *s, const double *t, ptrdiff_t n,
                                temperature_t temperature, const int divides, double *jeffreys)
{
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++)
        jeffreys[i] = cell_of(s[i], t[i], temperature, divides).jeffreys;
}

TEMPLATE void jeffreys_of_cells_near_zero(const double *s, const double *t, ptrdiff_t n,
                                          const int small, double *jeffreys)
{
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++)
        jeffreys[i] = jeffreys_near_zero(s[i], t[i], small);
}

/* Which form of J the cells of one row take, or of one tile of it. */
typedef enum { SMALL_STEPS, LARGE_STEPS, LARGE_LOGITS } form_t;

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
        logit = fabs(s[i]) > logit ? fabs(s[i]) : logit;
        logit = fabs(t[i]) > logit ? fabs(t[i]) : logit;
        largest = fabs(step) > largest ? fabs(step) : largest;
    }
    sum->same += (int64_t)same;
    sum->of += n - (int64_t)padding;
    if (unsettled != 0.0)
        largest = settle(s, t, n, temperature, sum);
    sum->step = largest > sum->step ? largest : sum->step;
    return !(logit < NEAR_ZERO)      ? LARGE_LOGITS
           : !(largest < SMALL_STEP) ? LARGE_STEPS
                                     : SMALL_STEPS;
}

static void fill_jeffreys(const double *s, const double *t, ptrdiff_t n, temperature_t temperature,
                          form_t form, double *jeffreys)
{
    if (temperature.divides)
        jeffreys_of_cells(s, t, n, temperature, 1, jeffreys);
    else if (form == LARGE_LOGITS)
        jeffreys_of_cells(s, t, n, temperature, 0, jeffreys);
    else if (form == LARGE_STEPS)
        jeffreys_of_cells_near_zero(s, t, n, 0, jeffreys);
    else
        jeffreys_of_cells_near_zero(s, t, n, 1, jeffreys);
}

static void fill_all(const double *s, const double *t, ptrdiff_t n, temperature_t temperature,
                     divergences_t *of)
{
    if (temperature.divides)
        all_cells(s, t, n, temperature, 1, of);
    else
        all_cells(s, t, n, temperature, 0, of);
}
