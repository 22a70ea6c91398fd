/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The sums of softmax_sums.template.h in one pass over memory: a tile is scanned and then summed while
 * it lies in L1, with the shortest polynomial that its steps allow. The notation is the same.
 */

/* With two sums in flight, each lane adds so few cells that it keeps the digits. */
#define CLOSE_TILE (64 * VECTOR)

/* Some cells of both sides: float32 as they lie in memory, or float64. */
typedef struct {
    const char *at[2];
    ptrdiff_t n; /* a multiple of 2 * VECTOR */
    int narrow;
} view_t;

typedef struct {
    ALIGNED double values[2][CLOSE_TILE];
} space_t;

/* The extremes of a tile. A float32 is rounded where steps are. */
typedef struct {
    double max[2], min[2], step_max, step_min;
} scan_t;

TEMPLATE doubles_t cell_at(const view_t *view, int k, ptrdiff_t i, const int narrow)
{
    if (narrow)
        return WIDENED(view->at[k] + i * 4);
    return DOUBLES(view->at[k] + i * 8);
}

static scan_t scan_floats(const view_t *view)
{
    const float *s = (const float *)view->at[0], *t = (const float *)view->at[1];
    floats_t a = FLOATS(s), b = FLOATS(t), d = b - a;
    floats_t s_max = a, s_min = a, t_max = b, t_min = b, d_max = d, d_min = d;
    for (ptrdiff_t i = 2 * VECTOR; i < view->n; i += 2 * VECTOR) {
        a = FLOATS(s + i), b = FLOATS(t + i), d = b - a;
        s_max = LARGER(s_max, a), s_min = SMALLER(s_min, a);
        t_max = LARGER(t_max, b), t_min = SMALLER(t_min, b);
        d_max = LARGER(d_max, d), d_min = SMALLER(d_min, d);
    }
    scan_t found = {{s_max[0], t_max[0]}, {s_min[0], t_min[0]}, d_max[0], d_min[0]};
    for (int i = 1; i < 2 * VECTOR; i++) {
        found.max[0] = s_max[i] > found.max[0] ? s_max[i] : found.max[0];
        found.min[0] = s_min[i] < found.min[0] ? s_min[i] : found.min[0];
        found.max[1] = t_max[i] > found.max[1] ? t_max[i] : found.max[1];
        found.min[1] = t_min[i] < found.min[1] ? t_min[i] : found.min[1];
        found.step_max = d_max[i] > found.step_max ? d_max[i] : found.step_max;
        found.step_min = d_min[i] < found.step_min ? d_min[i] : found.step_min;
    }
    return found;
}

static scan_t scan_doubles(const view_t *view)
{
    doubles_t a = cell_at(view, 0, 0, 0), b = cell_at(view, 1, 0, 0), d = b - a;
    doubles_t s_max = a, s_min = a, t_max = b, t_min = b, d_max = d, d_min = d;
    for (ptrdiff_t i = VECTOR; i < view->n; i += VECTOR) {
        a = cell_at(view, 0, i, 0), b = cell_at(view, 1, i, 0), d = b - a;
        s_max = UPPER(s_max, a), s_min = LOWER(s_min, a);
        t_max = UPPER(t_max, b), t_min = LOWER(t_min, b);
        d_max = UPPER(d_max, d), d_min = LOWER(d_min, d);
    }
    scan_t found = {{s_max[0], t_max[0]}, {s_min[0], t_min[0]}, d_max[0], d_min[0]};
    for (int i = 1; i < VECTOR; i++) {
        found.max[0] = s_max[i] > found.max[0] ? s_max[i] : found.max[0];
        found.min[0] = s_min[i] < found.min[0] ? s_min[i] : found.min[0];
        found.max[1] = t_max[i] > found.max[1] ? t_max[i] : found.max[1];
        found.min[1] = t_min[i] < found.min[1] ? t_min[i] : found.min[1];
        found.step_max = d_max[i] > found.step_max ? d_max[i] : found.step_max;
        found.step_min = d_min[i] < found.step_min ? d_min[i] : found.step_min;
    }
    return found;
}

static scan_t scan_view(const view_t *view)
{
    return view->narrow ? scan_floats(view) : scan_doubles(view);
}

/* The place of the first cell of a side that is a value, which one is. */
static ptrdiff_t place_of(const view_t *view, int k, double value)
{
    for (ptrdiff_t i = 0; i < view->n; i += VECTOR) {
        doubles_t x = view->narrow ? cell_at(view, k, i, 1) : cell_at(view, k, i, 0);
        unsigned found = BITS(AT_MOST(ALL(value), x));
        for (int lane = 0; found != 0 && lane < VECTOR; lane++)
            if (found >> lane & 1)
                return i + lane;
    }
    return 0;
}

/* What d and w are relative to: `max` is near the largest s, and d is (t - s - c) / T. */
typedef struct {
    double max, c, inverse;
} origin_t;

/* Beyond, exp(x) is nothing beside a sum. */
#define DEEPEST 690.0

/* Load some cells as float64. Those that are absent on both sides, and what is missing in the last
 * vector, become `hole`; return how many cells are none of these in *present. */
static view_t staged(const pair_t *pair, ptrdiff_t start, const double hole[2], space_t *space,
                     ptrdiff_t *present)
{
    ptrdiff_t left = pair->side[0].size - start, n = left < CLOSE_TILE ? left : CLOSE_TILE, out = 0;
    double *s = space->values[0], *t = space->values[1];
    for (int k = 0; k < 2; k++) {
        const side_t *side = &pair->side[k];
        side->type.load(side->from + start * side->stride, side->stride, n, space->values[k]);
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        int absent = (s[i] == -INFINITY) & (t[i] == -INFINITY);
        s[i] = absent ? hole[0] : s[i];
        t[i] = absent ? hole[1] : t[i];
        out += absent;
    }
    ptrdiff_t whole = n + (2 * VECTOR - n % (2 * VECTOR)) % (2 * VECTOR);
    for (ptrdiff_t i = n; i < whole; i++) {
        s[i] = hole[0];
        t[i] = hole[1];
    }
    *present = n - out;
    return (view_t){{(const char *)s, (const char *)t}, whole, 0};
}

/* The same with holes of no weight and no step. */
static view_t without_holes(const pair_t *pair, ptrdiff_t start, const origin_t *origin,
                            space_t *space)
{
    double nowhere = origin->max - 2000.0 / origin->inverse;
    const double hole[2] = {nowhere, nowhere + origin->c};
    ptrdiff_t present;
    return staged(pair, start, hole, space, &present);
}

/* The same with copies of the first present cell, which do not show in a scan; none are present if
 * there is no such cell. */
static view_t with_copies(const pair_t *pair, ptrdiff_t start, space_t *space, ptrdiff_t *present)
{
    ptrdiff_t left = pair->side[0].size - start, n = left < CLOSE_TILE ? left : CLOSE_TILE, i = 0;
    double hole[2] = {-INFINITY, -INFINITY};
    for (; i < n && hole[0] == -INFINITY && hole[1] == -INFINITY; i++)
        for (int k = 0; k < 2; k++) {
            const side_t *side = &pair->side[k];
            side->type.load(side->from + (start + i) * side->stride, side->stride, 1, &hole[k]);
        }
    return staged(pair, start, hole, space, present);
}

/* How the rows of a pair lie in memory. */
enum layout { AS_FLOATS, AS_DOUBLES, OTHERWISE };

static enum layout layout_of(const pair_t *pair)
{
    const side_t *s = &pair->side[0], *t = &pair->side[1];
    if (s->type.load != t->type.load || s->stride != t->stride)
        return OTHERWISE;
    if (s->type.load == load_float32 && s->stride == sizeof(float))
        return AS_FLOATS;
    return s->type.load == load_float64 && s->stride == sizeof(double) ? AS_DOUBLES : OTHERWISE;
}

/* Whether the cells from `start` on can be read where they lie. */
static int lies_plainly(const pair_t *pair, enum layout layout, ptrdiff_t start)
{
    return layout != OTHERWISE && pair->side[0].size - start >= CLOSE_TILE;
}

/* These cells. */
static view_t lying(const pair_t *pair, enum layout layout, ptrdiff_t start)
{
    const char *s = pair->side[0].from + start * pair->side[0].stride;
    const char *t = pair->side[1].from + start * pair->side[1].stride;
    return (view_t){{s, t}, CLOSE_TILE, layout == AS_FLOATS};
}

enum tier { NEAR_TIER, FURTHER_TIER, ANY_TIER };

/* The largest abs(d) of the two polynomials. */
#define SHORT_STEP 0.0624
#define LONG_STEP 0.346

static enum tier tier_of(double largest)
{
    return largest <= SHORT_STEP ? NEAR_TIER : largest <= LONG_STEP ? FURTHER_TIER : ANY_TIER;
}

/* A plain cell needs no division by T, and is no deeper than DEEPEST. */
TEMPLATE void place(const view_t *view, ptrdiff_t i, const origin_t *origin, const int narrow,
                    const int plain, doubles_t *x, doubles_t *d)
{
    doubles_t a = cell_at(view, 0, i, narrow), b = cell_at(view, 1, i, narrow);
    *x = a - origin->max;
    *d = (b - a) - origin->c;
    if (!plain) {
        *x = UPPER(*x * origin->inverse, ALL(-DEEPEST));
        *d *= origin->inverse;
    }
}

/* The sums over some cells of w, w * d, w * phi(d), w * (exp(d) - 1) * d and w * exp(d). */
typedef struct {
    double w, wd, wphi, wgrown, v;
} parts_t;

TEMPLATE parts_t sum_view(const view_t *view, const origin_t *origin, const int narrow,
                          const int plain, const int tier)
{
    const doubles_t zero = ALL(0.0);
    doubles_t w_sum[2] = {zero, zero}, wd_sum[2] = {zero, zero}, wphi_sum[2] = {zero, zero},
              wgrown_sum[2] = {zero, zero}, v_sum[2] = {zero, zero};
    for (ptrdiff_t i = 0; i < view->n; i += 2 * VECTOR) {
#pragma GCC unroll 2
        for (int u = 0; u < 2; u++) {
            doubles_t x, d;
            place(view, i + u * VECTOR, origin, narrow, plain, &x, &d);
            doubles_t w = weights(x), wd = w * d;
            w_sum[u] += w;
            wd_sum[u] += wd;
            if (tier == ANY_TIER) {
                doubles_t grown, phi, more = grown_by(d, &grown, &phi);
                wphi_sum[u] = FMADD(w, phi, wphi_sum[u]);
                wgrown_sum[u] = FMADD(wd, grown, wgrown_sum[u]);
                v_sum[u] = FMADD(w, more, v_sum[u]);
            } else {
                doubles_t wdd = wd * d,
                          wphi = wdd * (tier == NEAR_TIER ? polynomial(d, short_tail, 7)
                                                          : polynomial(d, long_tail, 10));
                wphi_sum[u] += wphi;
                wgrown_sum[u] += FMADD(wphi, d, wdd);
            }
        }
    }
    parts_t sum = {total(w_sum[0] + w_sum[1]), total(wd_sum[0] + wd_sum[1]),
                   total(wphi_sum[0] + wphi_sum[1]), total(wgrown_sum[0] + wgrown_sum[1]), 0.0};
    sum.v = tier == ANY_TIER ? total(v_sum[0] + v_sum[1]) : sum.w + sum.wd + sum.wphi;
    return sum;
}

#define SUM_VIEW(name, narrow, plain, tier) \
    static parts_t name(const view_t *view, const origin_t *origin) \
    { \
        return sum_view(view, origin, narrow, plain, tier); \
    }

SUM_VIEW(sum_floats_short, 1, 1, NEAR_TIER)
SUM_VIEW(sum_floats_long, 1, 1, FURTHER_TIER)
SUM_VIEW(sum_floats_any, 1, 1, ANY_TIER)
SUM_VIEW(sum_floats_short_over, 1, 0, NEAR_TIER)
SUM_VIEW(sum_floats_long_over, 1, 0, FURTHER_TIER)
SUM_VIEW(sum_floats_any_over, 1, 0, ANY_TIER)
SUM_VIEW(sum_doubles_short, 0, 0, NEAR_TIER)
SUM_VIEW(sum_doubles_long, 0, 0, FURTHER_TIER)
SUM_VIEW(sum_doubles_any, 0, 0, ANY_TIER)

static parts_t sum_of_view(const view_t *view, const origin_t *origin, int plain, enum tier tier)
{
    static parts_t (*const functions[3][3])(const view_t *, const origin_t *) = {
        {sum_doubles_short, sum_doubles_long, sum_doubles_any},
        {sum_floats_short_over, sum_floats_long_over, sum_floats_any_over},
        {sum_floats_short, sum_floats_long, sum_floats_any}};
    return functions[view->narrow ? 1 + plain : 0][tier](view, origin);
}
