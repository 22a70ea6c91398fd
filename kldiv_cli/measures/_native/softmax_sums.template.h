/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Softmax rows in one pass: four sums over the classes, and J, KL(p||q) and KL(q||p) from them.
 *
 * Notation: p = softmax(s / T), q = softmax(t / T), j the first class with the largest s,
 * c = t_j - s_j, d = (t - s - c) / T, phi(x) = exp(x) - 1 - x, e = log(q / p).
 */

/* c + c_low is exact. */
typedef struct {
    double s_max, c, c_low;
} frame_t;

/* The sums over a row of w = exp((s - max s) / T): w, w*d, w*phi(d), w*(exp(d) - 1)*d. largest is
 * the largest abs(d) of a wide row. */
typedef struct {
    double w, wd, wphi, wgrown, largest;
} sums_t;

/* w and d of a cell; d + d_low has more digits. A cell that is -inf on both sides has w = 0 and
 * a finite d. */
typedef struct {
    double w, d, d_low;
} place_t;

TEMPLATE place_t place_with_care(double s, double t, const frame_t *f, temperature_t temperature)
{
    double x_low, d_low, step_low;
    double x = over(two_diff(s, f->s_max, &x_low), &x_low, temperature);
    double step = two_diff(two_diff(t, s, &step_low), f->c, &d_low);
    d_low += step_low - f->c_low;
    double d = step + d_low;
    d_low += step - d;
    d = over(d, &d_low, temperature);
    int absent = (s == -INFINITY) & (t == -INFINITY);
    double w = exp_negative(x, x < -708.0 ? 0.0 : x_low);
    d = absent ? -f->c * temperature.inverse : d;
    d_low = absent ? 0.0 : d_low;
    /* Where w is 0 and w * exp(d) is not, NaN tells that the sums are not to be trusted: of
     * [0, -709, -1] and [0, -12, -1.1] they lack two thirds of J. */
    return (place_t){w, d, ((x < -708.0) & (x + d > -708.0)) ? NAN : d_low};
}

/* Set the terms of one cell and return d. Without care the differences are rounded. That costs
 * less than 2e-14 of the result where no value fills a float64 or is infinite, s is near max s,
 * and c is small. With care d_low counts: at d = 300 it is worth 3e-14 of exp(d). */
TEMPLATE double terms_of(double s, double t, double s_max, double c, double c_low,
                         temperature_t temperature, const int careful, const int small, double *w,
                         double *wphi, double *wgrown)
{
    const frame_t frame = {s_max, c, c_low};
    place_t at = {0.0, t - s - c, 0.0};
    if (careful)
        at = place_with_care(s, t, &frame, temperature);
    else
        at.w = exp_roughly(s - s_max);
    *w = at.w;
    if (small) {
        double wdd = at.w * at.d * at.d;
        *wphi = wdd * exp_tail(at.d);
        *wgrown = MADD(*wphi, at.d, wdd);
    } else {
        double phi, grown = expm1_phi(at.d, &phi);
        if (careful) {
            phi = MADD(at.d_low, grown, phi);
            grown = MADD(at.d_low, 1.0 + grown, grown);
        }
        *wphi = at.w * phi;
        *wgrown = at.w * at.d * grown;
    }
    return at.d;
}

TEMPLATE sums_t add_cells(const double *s, const double *t, ptrdiff_t n, const frame_t *frame,
                          temperature_t temperature, const int careful, const int small)
{
    const double s_max = frame->s_max, c = frame->c, c_low = frame->c_low;
    double w_sum = 0.0, wd_sum = 0.0, wphi_sum = 0.0, wgrown_sum = 0.0, largest = 0.0;
#pragma omp simd reduction(+ : w_sum, wd_sum, wphi_sum, wgrown_sum) reduction(max : largest)
    for (ptrdiff_t i = 0; i < n; i++) {
        double w, wphi, wgrown;
        double d =
            terms_of(s[i], t[i], s_max, c, c_low, temperature, careful, small, &w, &wphi, &wgrown);
        largest = fabs(d) > largest ? fabs(d) : largest;
        w_sum += w;
        wd_sum = MADD(w, d, wd_sum);
        wphi_sum += wphi;
        wgrown_sum += wgrown;
    }
    return (sums_t){w_sum, wd_sum, wphi_sum, wgrown_sum, largest};
}

/* Whether a class whose w is 0 has a w * abs(d) that may be missed. */
static int steps_far_down(const pair_t *pair, const frame_t *f, double least_t)
{
    double s[TILE], t[TILE], inverse = pair->temperature.inverse;
    int far = 0;
    if ((least_t - f->s_max - f->c) * inverse > -HUGE_STEP)
        return 0;
    for (ptrdiff_t start = 0; start < pair->side[0].size && !far; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
#pragma omp simd reduction(| : far)
        for (ptrdiff_t i = 0; i < n; i++) {
            double x = (s[i] - f->s_max) * inverse, d = (t[i] - s[i] - f->c) * inverse;
            far |= (x < -700.0) & (d < -HUGE_STEP) & (t[i] > -INFINITY);
        }
    }
    return far;
}

/* A sum over so many cells lacks few enough digits for what three subtractions leave of it: over 256
 * in two lanes, KL(q||p) lacked 2.4e-14. */
#define PART (32 * VECTOR)

TEMPLATE sums_t sums_of(const pair_t *pair, const frame_t *f, const int careful)
{
    total_t w = {0.0, 0.0}, wd = w, wphi = w, wgrown = w;
    ALIGNED double s[TILE], t[TILE];
    double largest = 0.0;
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
        for (ptrdiff_t at = 0; at < n; at += PART) {
            ptrdiff_t count = n - at < PART ? n - at : PART;
            sums_t part = {0.0, 0.0, 0.0, 0.0, INFINITY};
            if (largest < SMALL_STEP)
                part = add_cells(s + at, t + at, count, f, pair->temperature, careful, 1);
            if (!(part.largest < SMALL_STEP))
                part = add_cells(s + at, t + at, count, f, pair->temperature, careful, 0);
            largest = part.largest > largest ? part.largest : largest;
            add_to(&w, part.w);
            add_to(&wd, part.wd);
            add_to(&wphi, part.wphi);
            add_to(&wgrown, part.wgrown);
        }
    }
    return (sums_t){value_of(w), value_of(wd), value_of(wphi), value_of(wgrown), largest};
}

/* log(1 + y) - y; near 0 by r = y / (2 + y), with which it is r * (2 r**2 (1/3 + r**2/5 + ...) - y). */
static double log1p_less(double y)
{
    if (!(fabs(y) < 0.25))
        return log1p(y) - y;
    double r = y / (2.0 + y), z = r * r, series = 1.0 / 19;
    for (int k = 17; k >= 3; k -= 2)
        series = series * z + 1.0 / k;
    return r * (2.0 * z * series - y);
}

/* Set the divergences from the sums, and return 0 where cancellation took too many digits. Each
 * subtraction may lose 3 bits; the last may lose 2, for its operands have lost some already. */
static int from_sums(sums_t sums, row_t *found)
{
    const double lost = 8.0;
    double d = sums.wd / sums.w, g = sums.wphi / sums.w, x = sums.wgrown / sums.w, y = d + g;
    double kl = g + log1p_less(y), jeffreys = (x - d * y) / (1.0 + y);
    double reverse_kl = jeffreys - kl, size = fabs(d) + g;
    found->kl = kl;
    found->jeffreys = jeffreys;
    found->reverse_kl = reverse_kl;
    return g <= lost * kl && size * fabs(y) <= lost * kl * (1.0 + y) && x <= lost * jeffreys &&
           fabs(d * y) <= lost * jeffreys * (1.0 + y) && size <= lost * (1.0 + y) &&
           jeffreys <= 4.0 * reverse_kl;
}

/* Whether a rounding of t - s, at most that of c, may show in a small divergence. */
static int shows(double jeffreys, double c)
{
    return jeffreys < 4e-4 * c * c;
}
