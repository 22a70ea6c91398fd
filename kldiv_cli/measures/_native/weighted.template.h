/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * What losses take of rows of logits beside divergences: how far the steps t - s spread, weighted by
 * w = exp((s - max s) * inverse), where inverse is a parameter of the value, in twice the digits.
 */

/* The sums over some cells of w, w * d and w * d**2, d = t - s - c, and the largest abs(d). `one_sided`
 * tells of a cell that is -inf on one side alone; on both sides it has no weight. */
typedef struct {
    double w, wd, wdd, largest;
    int one_sided;
} spread_t;

TEMPLATE spread_t add_spread(const double *s, const double *t, ptrdiff_t n, const frame_t *frame,
                             temperature_t temperature)
{
    const double s_max = frame->s_max, c = frame->c, c_low = frame->c_low;
    double w_sum = 0.0, wd_sum = 0.0, wdd_sum = 0.0, largest = 0.0;
    int one_sided = 0;
#pragma omp simd reduction(+ : w_sum, wd_sum, wdd_sum) reduction(max : largest) \
    reduction(| : one_sided)
    for (ptrdiff_t i = 0; i < n; i++) {
        int no_s = s[i] == -INFINITY, no_t = t[i] == -INFINITY;
        double x_low, d_low, x = over(two_diff(s[i], s_max, &x_low), &x_low, temperature);
        double d = two_diff(t[i], s[i], &d_low);
        d = (d - c) + (d_low - c_low);
        double w = exp_negative(x, x < -708.0 ? 0.0 : x_low);
        w = no_s ? 0.0 : w;
        d = no_s | no_t ? 0.0 : d;
        one_sided |= no_s ^ no_t;
        largest = fabs(d) > largest ? fabs(d) : largest;
        w_sum += w;
        wd_sum = MADD(w, d, wd_sum);
        wdd_sum = MADD(w * d, d, wdd_sum);
    }
    return (spread_t){w_sum, wd_sum, wdd_sum, largest, one_sided};
}

static spread_t sum_spread(const pair_t *pair, const frame_t *frame)
{
    total_t w = {0.0, 0.0}, wd = w, wdd = w;
    ALIGNED double s[TILE], t[TILE];
    spread_t found = {0.0, 0.0, 0.0, 0.0, 0};
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
        for (ptrdiff_t at = 0; at < n; at += PART) {
            ptrdiff_t count = n - at < PART ? n - at : PART;
            spread_t part = add_spread(s + at, t + at, count, frame, pair->temperature);
            found.largest = part.largest > found.largest ? part.largest : found.largest;
            found.one_sided |= part.one_sided;
            add_to(&w, part.w);
            add_to(&wd, part.wd);
            add_to(&wdd, part.wdd);
        }
    }
    found.w = value_of(w);
    found.wd = value_of(wd);
    found.wdd = value_of(wdd);
    return found;
}

/* Below it squares run out of exponents, and above it weights that underflow may be missed. */
#define LEAST_SPREAD 1e-250
#define LARGEST_STEP 1e100

/* The sum of w and the variance of d, first around the step of the heaviest class, where equal steps
 * are exactly 0, and then around their mean if the square of that is most of the sum. */
static void weighted_row(const pair_t *pair, row_t *found, double *weight, double *variance)
{
    extremes_t of_s = extremes_of(&pair->side[0]);
    frame_t frame = frame_at(pair, &of_s);
    spread_t sums = sum_spread(pair, &frame);
    double mean = sums.wd / sums.w;
    if (mean * mean * sums.w > 0.8 * sums.wdd) {
        frame.c += mean;
        frame.c_low = 0.0;
        sums = sum_spread(pair, &frame);
        mean = sums.wd / sums.w;
    }
    *weight = sums.w;
    *variance = sums.wdd / sums.w - mean * mean;
    found->unsettled |= sums.one_sided || !isfinite(*variance) || !(sums.largest < LARGEST_STEP) ||
                        !(sums.largest == 0.0 || *variance > LEAST_SPREAD);
}

/* The kernel: values of equal parameters that stand side by side share their sums. */
static void weighted(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], row_t *found)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        double weight = NAN, variance = NAN;
        start_row(&found[row]);
        for (int i = 0; i < pair.plan->values; i++) {
            const value_t *value = &pair.plan->value[i];
            if (i == 0 || value->parameter[0] != value[-1].parameter[0] ||
                value->parameter[1] != value[-1].parameter[1]) {
                pair.temperature.inverse = value->parameter[0];
                pair.temperature.inverse_low = value->parameter[1];
                weighted_row(&pair, &found[row], &weight, &variance);
            }
            found[row].value[i] = (total_t){value->form == WEIGHT ? weight : variance, 0.0};
        }
    }
}
