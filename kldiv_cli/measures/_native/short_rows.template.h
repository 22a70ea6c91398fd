/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Softmax rows of few classes whose sums tell the divergences, VECTOR of them at a time, one in each lane.
 * A row comes out the same beside any others.
 */

/* VECTOR rows: the values of each side class by class, and what was seen of them. */
typedef struct {
    ALIGNED double values[2][NARROW][VECTOR];
    doubles_t max[2], low[2], at[2], c, farthest;
} group_t;

/* Lanes beyond the rows have the last of them. */
static void load_group(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], group_t *group)
{
    const ptrdiff_t size = first->side[0].size;
    for (int k = 0; k < 2; k++) {
        const side_t *side = &first->side[k];
        for (int lane = 0; lane < VECTOR; lane++) {
            double x[NARROW];
            ptrdiff_t row = lane < rows ? lane : rows - 1;
            side->type.load(side->from + row * step[k], side->stride, size, x);
            for (ptrdiff_t i = 0; i < size; i++)
                group->values[k][i][lane] = x[i];
        }
    }
}

static void scan_group(group_t *group, ptrdiff_t size)
{
    doubles_t s_max = DOUBLES(group->values[0][0]), t_max = DOUBLES(group->values[1][0]);
    doubles_t s_low = s_max, t_low = t_max, t_at_s = t_max, s_at = ALL(0.0), t_at = s_at;
    for (ptrdiff_t i = 1; i < size; i++) {
        doubles_t s = DOUBLES(group->values[0][i]), t = DOUBLES(group->values[1][i]);
        choice_t s_larger = GREATER(s, s_max), t_larger = GREATER(t, t_max);
        s_at = CHOSEN(s_larger, ALL((double)i), s_at);
        t_at = CHOSEN(t_larger, ALL((double)i), t_at);
        t_at_s = CHOSEN(s_larger, t, t_at_s);
        s_max = CHOSEN(s_larger, s, s_max), t_max = CHOSEN(t_larger, t, t_max);
        s_low = LOWER(s_low, s), t_low = LOWER(t_low, t);
    }
    group->max[0] = s_max, group->max[1] = t_max;
    group->low[0] = s_low, group->low[1] = t_low;
    group->at[0] = s_at, group->at[1] = t_at;
    group->c = t_at_s - s_max;
    group->farthest = ALL(0.0);
    for (ptrdiff_t i = 0; i < size; i++) {
        doubles_t d = (DOUBLES(group->values[1][i]) - DOUBLES(group->values[0][i])) - group->c;
        group->farthest = UPPER(group->farthest, MAGNITUDE(d));
    }
}

/* The sums of close_sums.template.h. */
typedef struct {
    doubles_t w, wd, wphi, wgrown;
} lane_sums_t;

TEMPLATE lane_sums_t sum_classes(const group_t *group, ptrdiff_t start, ptrdiff_t end,
                                 double inverse, const int tier)
{
    lane_sums_t sum = {ALL(0.0), ALL(0.0), ALL(0.0), ALL(0.0)};
    for (ptrdiff_t i = start; i < end; i++) {
        doubles_t s = DOUBLES(group->values[0][i]), t = DOUBLES(group->values[1][i]);
        doubles_t w = weights(UPPER((s - group->max[0]) * inverse, ALL(-DEEPEST)));
        doubles_t d = ((t - s) - group->c) * inverse, wd = w * d;
        sum.w += w;
        sum.wd += wd;
        if (tier == ANY_TIER) {
            doubles_t grown, phi;
            grown_by(d, &grown, &phi);
            sum.wphi = FMADD(w, phi, sum.wphi);
            sum.wgrown = FMADD(wd, grown, sum.wgrown);
        } else {
            doubles_t wdd = wd * d, wphi = wdd * (tier == NEAR_TIER ? polynomial(d, short_tail, 7)
                                                                    : polynomial(d, long_tail, 10));
            sum.wphi += wphi;
            sum.wgrown += FMADD(wphi, d, wdd);
        }
    }
    return sum;
}

/* So few classes are added up one by one, see softmax_lanes.template.h. */
TEMPLATE lane_sums_t sum_group(const group_t *group, ptrdiff_t size, double inverse, const int tier)
{
    lane_sums_t sum = {ALL(0.0), ALL(0.0), ALL(0.0), ALL(0.0)};
    for (ptrdiff_t start = 0; start < size; start += CLASSES_AT_ONCE) {
        ptrdiff_t end = size - start < CLASSES_AT_ONCE ? size : start + CLASSES_AT_ONCE;
        lane_sums_t part = sum_classes(group, start, end, inverse, tier);
        sum.w += part.w;
        sum.wd += part.wd;
        sum.wphi += part.wphi;
        sum.wgrown += part.wgrown;
    }
    return sum;
}

/* Each lane has the sums of the shortest polynomials that its own steps allow. */
static lane_sums_t sums_by_lane(const group_t *group, ptrdiff_t size, double inverse)
{
    doubles_t farthest = group->farthest * inverse;
    choice_t near = AT_MOST(farthest, ALL(SHORT_STEP)), further = AT_MOST(farthest, ALL(LONG_STEP));
    if (EVERY(near))
        return sum_group(group, size, inverse, NEAR_TIER);
    lane_sums_t sum = {ALL(0.0), ALL(0.0), ALL(0.0), ALL(0.0)};
    if (!EVERY(further))
        sum = sum_group(group, size, inverse, ANY_TIER);
    for (int tier = FURTHER_TIER; tier >= NEAR_TIER; tier--) {
        choice_t chosen = tier == NEAR_TIER ? near : further;
        if (BITS(chosen) == 0)
            continue;
        lane_sums_t some = tier == NEAR_TIER ? sum_group(group, size, inverse, NEAR_TIER)
                                             : sum_group(group, size, inverse, FURTHER_TIER);
        sum.w = CHOSEN(chosen, some.w, sum.w);
        sum.wd = CHOSEN(chosen, some.wd, sum.wd);
        sum.wphi = CHOSEN(chosen, some.wphi, sum.wphi);
        sum.wgrown = CHOSEN(chosen, some.wgrown, sum.wgrown);
    }
    return sum;
}

/* Compute up to VECTOR rows, and return a bit for each that the sums tell; see `tells` and
 * `from_sums`. */
static unsigned short_rows(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                           row_t *found)
{
    const ptrdiff_t size = first->side[0].size;
    const double inverse = first->temperature.inverse;
    const doubles_t lost = ALL(8.0);
    group_t group;
    load_group(first, rows, step, &group);
    scan_group(&group, size);
    lane_sums_t sums = sums_by_lane(&group, size, inverse);
    doubles_t d = sums.wd / sums.w, g = sums.wphi / sums.w, x = sums.wgrown / sums.w, y = d + g;
    doubles_t one_more = 1.0 + y, kl = g - log1p_lacks(y, one_more),
              jeffreys = (x - d * y) / one_more;
    doubles_t reverse_kl = jeffreys - kl, extent = MAGNITUDE(d) + g, c = group.c * inverse;
    choice_t close =
        BOTH(AT_MOST(g, lost * kl), AT_MOST(extent * MAGNITUDE(y), lost * kl * one_more));
    close = BOTH(close, AT_MOST(x, lost * jeffreys));
    close = BOTH(close, AT_MOST(MAGNITUDE(d * y), lost * jeffreys * one_more));
    close = BOTH(close, AT_MOST(extent, lost * one_more));
    close = BOTH(close, AT_MOST(jeffreys, 4.0 * reverse_kl));
    close = BOTH(close, AT_MOST(ALL(4e-4) * c * c, jeffreys));
    close = BOTH(close, AT_MOST(group.farthest * inverse, ALL(32.0)));
    close = BOTH(close, AT_MOST((group.max[0] - group.low[0]) * inverse, ALL(64.0)));
    close =
        BOTH(close, BOTH(GREATER(group.low[0], ALL(MASKED)), GREATER(group.low[1], ALL(MASKED))));
    close = BOTH(close, BOTH(GREATER(kl, ALL(TINY)), GREATER(reverse_kl, ALL(TINY))));
    unsigned told = BITS(close) & ((1u << rows) - 1);
    for (int lane = 0; lane < rows; lane++) {
        if (!(told >> lane & 1))
            continue;
        start_row(&found[lane]);
        found[lane].jeffreys = jeffreys[lane];
        found[lane].kl = kl[lane];
        found[lane].reverse_kl = reverse_kl[lane];
        found[lane].argmax[0] = (int64_t)group.at[0][lane];
        found[lane].argmax[1] = (int64_t)group.at[1][lane];
        found[lane].same = group.at[0][lane] == group.at[1][lane];
        found[lane].of = 1;
    }
    return told;
}
