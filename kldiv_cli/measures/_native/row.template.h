/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * What the kernels of both modes need to know of a row.
 */

/* (high + low) / T as an unevaluated sum: the rounding of the quotient alone would cost
 * exp(-300.7 / 0.7) two digits. */
TEMPLATE double over(double high, double *low, temperature_t t)
{
    double quotient = high * t.inverse;
    *low = PRODUCT_ERROR(high, t.inverse, quotient) + MADD(*low, t.inverse, high * t.inverse_low);
    return quotient;
}

static double smallest_finite(const side_t *side)
{
    double x[TILE], low = INFINITY;
    for (ptrdiff_t start = 0; start < side->size; start += TILE) {
        ptrdiff_t count = tile_at(side, start, x);
#if OMP_KEEPS_INFINITIES
#pragma omp simd reduction(min : low)
#endif
        for (ptrdiff_t i = 0; i < count; i++) {
            double finite = x[i] == -INFINITY ? INFINITY : x[i];
            low = finite < low ? finite : low;
        }
    }
    return low;
}

static extremes_t extremes_of(const side_t *side)
{
    extremes_t found = {-INFINITY, INFINITY, INFINITY, 0};
    ptrdiff_t best = 0;
    double x[TILE];
    for (ptrdiff_t start = 0; start < side->size; start += TILE) {
        ptrdiff_t count = side->size - start < TILE ? side->size - start : TILE;
        double max, min;
        pause_at(side, start);
        side->type.range(side->from + start * side->stride, side->stride, count, &max, &min);
        best = max > found.max ? start : best;
        found.max = max > found.max ? max : found.max;
        found.min = min < found.min ? min : found.min;
    }
    ptrdiff_t count = tile_at(side, best, x), i = 0;
    while (i < count - 1 && x[i] != found.max)
        i++;
    found.at = best + i;
    found.low = found.min == -INFINITY ? smallest_finite(side) : found.min;
    return found;
}

/* The index of the first NaN, or -1. */
static ptrdiff_t first_nan(const side_t *side)
{
    double x[TILE];
    for (ptrdiff_t start = 0; start < side->size; start += TILE) {
        ptrdiff_t count = tile_at(side, start, x);
        for (ptrdiff_t i = 0; i < count; i++)
            if (x[i] != x[i])
                return start + i;
    }
    return -1;
}

/* How many cells hold a mask value on one side only. */
static int64_t mismatches_of(const pair_t *pair)
{
    int64_t count = 0;
    double s[TILE], t[TILE];
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
        for (ptrdiff_t i = 0; i < n; i++) {
            int s_masked = s[i] <= MASKED && s[i] > -INFINITY;
            int t_masked = t[i] <= MASKED && t[i] > -INFINITY;
            count += (s_masked && (t[i] > UNMASKED || t[i] == -INFINITY)) ||
                     (t_masked && (s[i] > UNMASKED || s[i] == -INFINITY));
        }
    }
    return count;
}

/* Return whether a row holds NaN. Such a row is invalid, and its argmax is the place of the
 * first NaN. */
static int undefined(const pair_t *pair, row_t *found)
{
    int any = 0;
    for (int k = 0; k < 2; k++) {
        ptrdiff_t at = first_nan(&pair->side[k]);
        if (at >= 0) {
            found->argmax[k] = at;
            any = 1;
        }
    }
    if (any)
        found->status = INVALID;
    return any;
}

/* How many cells of a row are not -inf. */
static int64_t present_in(const side_t *side)
{
    int64_t count = 0;
    double x[TILE];
    for (ptrdiff_t start = 0; start < side->size; start += TILE) {
        ptrdiff_t n = tile_at(side, start, x);
        for (ptrdiff_t i = 0; i < n; i++)
            count += x[i] != -INFINITY;
    }
    return count;
}

/* How many cells of a row hold one finite number, the same on both sides, where all others are absent
 * on both; 0 for any other row. */
static int64_t constant_cells(const pair_t *pair, const extremes_t of[2], double absent)
{
    double s[TILE], t[TILE], value = of[0].max;
    int64_t count = 0;
    for (int k = 0; k < 2; k++)
        if (of[k].max != value || (of[k].min != value && of[k].min != absent))
            return 0;
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
        for (ptrdiff_t i = 0; i < n; i++) {
            if (s[i] != t[i] || (s[i] != value && s[i] != absent))
                return 0;
            count += s[i] == value;
        }
    }
    return count;
}

/* Note a row of one finite value, the same on both sides, beside -inf on both sides. Its divergence
 * is 0; were there NaN, or -inf on one side only, it would not be. */
static void note_constant(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    double value = of[0].max;
    if (found->jeffreys == 0.0 && found->status == COUNTED && isfinite(value) &&
        of[0].low == value && of[1].max == value && of[1].low == value)
        found->constant = present_in(&pair->side[0]);
}

/* A difference of logits may overflow in float64 though the divergence is finite. Such a pair
 * gets a quarter of its logits and of T, which leaves the divergence as it is. */
typedef struct {
    pair_t pair;
    extremes_t of[2];
} scale_t;

static scale_t without_overflow(const pair_t *pair, const extremes_t of[2])
{
    scale_t scaled = {*pair, {of[0], of[1]}};
    double largest = 0.0;
    for (int k = 0; k < 2; k++)
        largest = fmax(largest, fmax(fabs(of[k].max), isinf(of[k].low) ? 0.0 : fabs(of[k].low)));
    if (!pair->wide || largest <= DBL_MAX / 4)
        return scaled;
    temperature_t *t = &scaled.pair.temperature;
    *t = (temperature_t){t->value * 0.25, t->inverse * 4.0, t->inverse_low * 4.0, 1};
    for (int k = 0; k < 2; k++) {
        scaled.pair.side[k].scale = 0.25;
        scaled.of[k].max *= 0.25;
    }
    return scaled;
}

static void describe(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    start_row(found);
    found->argmax[0] = of[0].at;
    found->argmax[1] = of[1].at;
    found->same = of[0].at == of[1].at;
    found->of = 1;
    if (of[0].low <= MASKED || of[1].low <= MASKED)
        found->mismatches = mismatches_of(pair);
}
