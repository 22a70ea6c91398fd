/* Rows of logits as categorical distributions: J, KL(p||q) and KL(q||p) in two or three passes over
 * rows that lie in cache. Compiled for every instruction set.
 *
 * Notation: p = softmax(s / T), q = softmax(t / T), j the first class with the largest s,
 * c = t_j - s_j, d = (t - s - c) / T, phi(x) = exp(x) - 1 - x, e = log(q / p).
 */

/* c + c_low is exact. */
typedef struct {
    double s_max, c, c_low;
} frame_t;

/* The sums over a row of w = exp((s - max s) / T): w, w*d, w*phi(d), w*(exp(d) - 1)*d. */
typedef struct {
    double w, wd, wphi, wgrown;
} sums_t;

/* w, d and what d has beyond a float64. A cell that is -inf on both sides has w = 0 and a finite d. */
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
    int same = s == t;
    double w = exp_negative(x, x < -708.0 ? 0.0 : x_low);
    d = same ? -f->c * temperature.inverse : d;
    d_low = same ? 0.0 : d_low;
    /* Where w is 0 and w * exp(d) is not, NaN tells that the sums are not to be trusted: of
     * [0, -709, -1] and [0, -12, -1.1] they lack two thirds of J. */
    return (place_t){w, d, (x < -708.0) & (x + d > -708.0) ? NAN : d_low};
}

/* The terms of one cell; return d. Without care the differences are rounded: that is below 2e-14 in
 * the result where neither s - max s is far nor c large, unless the values fill a float64; and there
 * must be no infinities. The step's low part counts where exp(d) is large: at d = 300 it is worth
 * 3e-14 of it. */
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

/* Return the sums over a tile, and whether every step was small. */
TEMPLATE int add_cells(const double *s, const double *t, ptrdiff_t n, const frame_t *frame,
                       temperature_t temperature, const int careful, const int small, sums_t *sums)
{
    const double s_max = frame->s_max, c = frame->c, c_low = frame->c_low;
    double w_sum = 0.0, wd_sum = 0.0, wphi_sum = 0.0, wgrown_sum = 0.0, largest = 0.0;
#pragma omp simd reduction(+ : w_sum, wd_sum, wphi_sum, wgrown_sum) reduction(max : largest)
    for (ptrdiff_t i = 0; i < n; i++) {
        double w, wphi, wgrown;
        double d = terms_of(s[i], t[i], s_max, c, c_low, temperature, careful, small, &w, &wphi,
                            &wgrown);
        largest = fabs(d) > largest ? fabs(d) : largest;
        w_sum += w;
        wd_sum = MADD(w, d, wd_sum);
        wphi_sum += wphi;
        wgrown_sum += wgrown;
    }
    *sums = (sums_t){w_sum, wd_sum, wphi_sum, wgrown_sum};
    return largest < SMALL_STEP;
}

TEMPLATE sums_t sums_of(const pair_t *pair, const frame_t *f, const int careful)
{
    total_t w = {0.0, 0.0}, wd = w, wphi = w, wgrown = w;
    sums_t tile;
    ALIGNED double s[TILE], t[TILE];
    int small = 1;
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
        small = small && add_cells(s, t, n, f, pair->temperature, careful, 1, &tile);
        if (!small)
            small = add_cells(s, t, n, f, pair->temperature, careful, 0, &tile);
        add_to(&w, tile.w);
        add_to(&wd, tile.wd);
        add_to(&wphi, tile.wphi);
        add_to(&wgrown, tile.wgrown);
    }
    return (sums_t){value_of(w), value_of(wd), value_of(wphi), value_of(wgrown)};
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

/* The divergences from the sums of the one-pass form, or 0 where cancellation has eaten digits: each
 * subtraction may lose 3 bits, the last one, of what has lost some already, 2. */
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

/* The logits of a tile over T, less their maximum, and e + L0; see `general`. */
typedef struct {
    double x[2][TILE], low[2][TILE], e[TILE];
    int no_p, no_q;
} tile_t;

#define ABSENT -1e3 /* exp of it is 0 */
#define ENDLESS 800.0 /* stands for an infinite e; exp(-ENDLESS) is 0 */

TEMPLATE void fill_with(const pair_t *pair, const extremes_t of[2], ptrdiff_t start,
                             const int careful, tile_t *tile)
{
    double s[TILE], t[TILE], shift_low, shift = two_diff(of[1].max, of[0].max, &shift_low);
    temperature_t temperature = pair->temperature;
    ptrdiff_t n = tile_at(&pair->side[0], start, s);
    int no_p = 0, no_q = 0;
    tile_at(&pair->side[1], start, t);
#pragma omp simd reduction(| : no_p, no_q)
    for (ptrdiff_t i = 0; i < n; i++) {
        int no_s = s[i] == -INFINITY, no_t = t[i] == -INFINITY;
        double x_s = s[i] - of[0].max, x_t = t[i] - of[1].max, e = t[i] - s[i] - shift;
        double low_s = 0.0, low_t = 0.0, low_e;
        if (careful) {
            e = two_diff(t[i], s[i], &low_e);
            x_s = over(two_diff(s[i], of[0].max, &low_s), &low_s, temperature);
            x_t = over(two_diff(t[i], of[1].max, &low_t), &low_t, temperature);
            e = (((e - shift) + low_e) - shift_low) * temperature.inverse;
        }
        tile->x[0][i] = no_s ? ABSENT : x_s;
        tile->x[1][i] = no_t ? ABSENT : x_t;
        tile->low[0][i] = x_s > -708.0 ? low_s : 0.0;
        tile->low[1][i] = x_t > -708.0 ? low_t : 0.0;
        tile->e[i] = no_s & no_t ? 0.0 : no_s ? INFINITY : no_t ? -INFINITY : e;
        no_p |= no_s & !no_t;
        no_q |= no_t & !no_s;
    }
    tile->no_p = no_p;
    tile->no_q = no_q;
}

/* Logits of 32 bits and less that lie within 64 of the largest, over 1, need no care, see `place`. */
static void fill_tile(const pair_t *pair, const extremes_t of[2], ptrdiff_t start, tile_t *tile)
{
    int far = !(of[0].min >= of[0].max - 64.0 && of[1].min >= of[1].max - 64.0);
    if (pair->wide || pair->temperature.divides || far || fabs(of[1].max - of[0].max) > 1.0)
        fill_with(pair, of, start, 1, tile);
    else
        fill_with(pair, of, start, 0, tile);
}

/* The sum of exp(x) of one side without its largest class, whose term is 1. */
static double rest_of(const tile_t *tile, int k, ptrdiff_t n, ptrdiff_t at)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < n; i++) {
        double w = exp_negative(tile->x[k][i], tile->low[k][i]);
        sum += i == at ? 0.0 : w;
    }
    return sum;
}

typedef struct {
    total_t jeffreys, kl, reverse_kl, excess;
} terms_t;

/* Add the terms of a tile, each of them >= 0. With m = max(p, q), a = abs(e), u = 1 - exp(-a):
 * abs(p - q) = m * u, and KL of the side that is larger in a cell has m * phi(-a) there, of the other
 * m * (u - a * exp(-a)), which near 0 is m * (a * u - phi(-a)). */
static void add_terms(const tile_t *tile, ptrdiff_t n, double shift, const double inverse[2],
                             terms_t *sum)
{
    double jeffreys = 0.0, kl = 0.0, reverse_kl = 0.0, excess = 0.0;
#pragma omp simd reduction(+ : jeffreys, kl, reverse_kl, excess)
    for (ptrdiff_t i = 0; i < n; i++) {
        double e = tile->e[i] - shift;
        e = e == INFINITY ? ENDLESS : e == -INFINITY ? -ENDLESS : e;
        int p_larger = e <= 0.0;
        double a = fabs(e), phi, u = -expm1_phi(-a, &phi);
        double x = p_larger ? tile->x[0][i] : tile->x[1][i];
        double low = p_larger ? tile->low[0][i] : tile->low[1][i];
        double m = exp_negative(x, low) * (p_larger ? inverse[0] : inverse[1]);
        double of_larger = m * phi;
        double of_smaller = m * (a > 1.0 ? u - a * (1.0 - u) : a * u - phi);
        jeffreys += m * u * a;
        kl += p_larger ? of_larger : of_smaller;
        reverse_kl += p_larger ? of_smaller : of_larger;
        excess += p_larger ? -m * u : m * u;
    }
    add_to(&sum->jeffreys, jeffreys);
    add_to(&sum->kl, kl);
    add_to(&sum->reverse_kl, reverse_kl);
    add_to(&sum->excess, excess);
}

/* The general form: e = (t - s) / T - L0, L0 the difference of the log-partitions, whose rounding
 * error shows as an excess of sum q over sum p and is taken out where it matters. */
static void general(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    ptrdiff_t size = pair->side[0].size;
    total_t rest[2] = {{0.0, 0.0}, {0.0, 0.0}};
    int no_p = 0, no_q = 0;
    tile_t tile;
    for (ptrdiff_t start = 0; start < size; start += TILE) {
        ptrdiff_t n = size - start < TILE ? size - start : TILE;
        fill_tile(pair, of, start, &tile);
        no_p |= tile.no_p;
        no_q |= tile.no_q;
        for (int k = 0; k < 2; k++)
            add_to(&rest[k], rest_of(&tile, k, n, of[k].at - start));
    }
    double rest_p = value_of(rest[0]), rest_q = value_of(rest[1]);
    double shift = log1p(rest_q) - log1p(rest_p), jeffreys = 0.0;
    const double inverse[2] = {1.0 / (1.0 + rest_p), 1.0 / (1.0 + rest_q)};
    terms_t sum;
    for (int attempt = 0; attempt < 2; attempt++) {
        sum = (terms_t){{0.0, 0.0}, {0.0, 0.0}, {0.0, 0.0}, {0.0, 0.0}};
        for (ptrdiff_t start = 0; start < size; start += TILE) {
            ptrdiff_t n = size - start < TILE ? size - start : TILE;
            fill_tile(pair, of, start, &tile);
            add_terms(&tile, n, shift, inverse, &sum);
        }
        double excess = value_of(sum.excess);
        jeffreys = value_of(sum.jeffreys);
        if (!(fabs(excess) > 1e-15 * jeffreys))
            break;
        shift += log1p(excess);
    }
    found->jeffreys = no_p || no_q ? INFINITY : jeffreys;
    found->kl = no_q ? INFINITY : value_of(sum.kl);
    found->reverse_kl = no_p ? INFINITY : value_of(sum.reverse_kl);
}

/* A row whose sums cannot be trusted: of no distribution, with infinities, or far apart. */
static void exceptional(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    if (undefined(pair, found))
        return;
    int none[2] = {of[0].max == -INFINITY, of[1].max == -INFINITY};
    if (none[0] && none[1]) {
        found->status = SKIPPED;
        return;
    }
    if (none[0] || none[1] || of[0].max == INFINITY || of[1].max == INFINITY) {
        found->status = INVALID;
        return;
    }
    pair_t scaled = without_overflow(pair, of);
    extremes_t extremes[2] = {of[0], of[1]};
    for (int k = 0; k < 2; k++)
        extremes[k].max *= scaled.side[k].scale;
    general(&scaled, extremes, found);
}

static int needs_care(const pair_t *pair, const extremes_t of[2], const frame_t *f)
{
    return pair->wide || pair->temperature.divides || fabs(f->c) > 1.0 ||
           !(of[0].min >= of[0].max - 64.0) || of[1].min == -INFINITY;
}

/* Whether a rounding of t - s, at most that of c, may show in a small divergence. */
static int shows(double jeffreys, double c)
{
    return jeffreys < 4e-4 * c * c;
}

/* The one-pass form, or 0 where its sums have lost digits; then the mean of d is added to c, around
 * which they lose the fewest. */
static int one_pass(const pair_t *pair, const extremes_t of[2], frame_t *frame, row_t *found)
{
    sums_t sums;
    int close = 0, careful = needs_care(pair, of, frame);
    if (!careful) {
        sums = sums_of(pair, frame, 0);
        close = from_sums(sums, found);
        careful = close && shows(found->jeffreys, frame->c);
    }
    if (careful) {
        sums = sums_of(pair, frame, 1);
        close = from_sums(sums, found);
    }
    if (!close) {
        frame->c += sums.wd / sums.w * pair->temperature.value;
        frame->c_low = 0.0;
    }
    return close;
}

static void softmax_row(const pair_t *pair, const extremes_t of[2], const frame_t *frame,
                        row_t *found)
{
    frame_t near = *frame;
    int close = isfinite(of[0].max) && isfinite(of[1].max) &&
                (one_pass(pair, of, &near, found) ||
                 (fabs(near.c - frame->c) < 1.0 && one_pass(pair, of, &near, found)));
    if (!close)
        exceptional(pair, of, found);
}

static frame_t frame_at(const pair_t *pair, const extremes_t *of_s)
{
    double s, t;
    for (int k = 0; k < 2; k++) {
        const side_t *side = &pair->side[k];
        side->type.load(side->from + of_s->at * side->stride, side->stride, 1, k == 0 ? &s : &t);
    }
    frame_t frame = {of_s->max, 0.0, 0.0};
    frame.c = two_diff(t, s, &frame.c_low);
    return frame;
}

static void softmax_wide(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                                row_t *found)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        extremes_t of[2] = {extremes_of(&pair.side[0]), extremes_of(&pair.side[1])};
        frame_t frame = frame_at(&pair, &of[0]);
        describe(&pair, of, &found[row]);
        softmax_row(&pair, of, &frame, &found[row]);
    }
}

/* One value of LANES rows in each line. */
typedef struct {
    double values[2][NARROW][LANES];
    double max[2][LANES], low[2][LANES], at[2][LANES], t_at_s[LANES];
} lanes_t;

static void load_lanes(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                              lanes_t *lanes)
{
    ptrdiff_t size = first->side[0].size;
    for (ptrdiff_t lane = 0; lane < LANES; lane++) {
        pair_t pair = next_pair(first, lane < rows ? lane : rows - 1, step);
        for (int k = 0; k < 2; k++) {
            double x[NARROW];
            const side_t *side = &pair.side[k];
            side->type.load(side->from, side->stride, size, x);
            for (ptrdiff_t i = 0; i < size; i++)
                lanes->values[k][i][lane] = x[i];
        }
    }
}

static void scan_lanes(lanes_t *lanes, ptrdiff_t size)
{
    for (int lane = 0; lane < LANES; lane++) {
        for (int k = 0; k < 2; k++) {
            lanes->max[k][lane] = -INFINITY;
            lanes->low[k][lane] = INFINITY;
            lanes->at[k][lane] = 0.0;
        }
        lanes->t_at_s[lane] = lanes->values[1][0][lane];
    }
    for (ptrdiff_t i = 0; i < size; i++) {
#pragma omp simd
        for (int lane = 0; lane < LANES; lane++) {
            double s = lanes->values[0][i][lane], t = lanes->values[1][i][lane];
            double finite_s = s == -INFINITY ? INFINITY : s, finite_t = t == -INFINITY ? INFINITY : t;
            int s_larger = s > lanes->max[0][lane], t_larger = t > lanes->max[1][lane];
            lanes->max[0][lane] = s_larger ? s : lanes->max[0][lane];
            lanes->max[1][lane] = t_larger ? t : lanes->max[1][lane];
            lanes->at[0][lane] = s_larger ? (double)i : lanes->at[0][lane];
            lanes->at[1][lane] = t_larger ? (double)i : lanes->at[1][lane];
            lanes->t_at_s[lane] = s_larger ? t : lanes->t_at_s[lane];
            lanes->low[0][lane] = finite_s < lanes->low[0][lane] ? finite_s : lanes->low[0][lane];
            lanes->low[1][lane] = finite_t < lanes->low[1][lane] ? finite_t : lanes->low[1][lane];
        }
    }
}

TEMPLATE void sum_lanes(const lanes_t *lanes, ptrdiff_t size, const frame_t frame[LANES],
                             temperature_t temperature, const int careful, sums_t sums[LANES])
{
    double w[LANES] = {0.0}, wd[LANES] = {0.0}, wphi[LANES] = {0.0}, wgrown[LANES] = {0.0};
    for (ptrdiff_t i = 0; i < size; i++) {
#pragma omp simd
        for (int lane = 0; lane < LANES; lane++) {
            double w_one, wphi_one, wgrown_one;
            double d = terms_of(lanes->values[0][i][lane], lanes->values[1][i][lane],
                                frame[lane].s_max, frame[lane].c, frame[lane].c_low, temperature,
                                careful, 0, &w_one, &wphi_one, &wgrown_one);
            w[lane] += w_one;
            wd[lane] = MADD(w_one, d, wd[lane]);
            wphi[lane] += wphi_one;
            wgrown[lane] += wgrown_one;
        }
    }
    for (int lane = 0; lane < LANES; lane++)
        sums[lane] = (sums_t){w[lane], wd[lane], wphi[lane], wgrown[lane]};
}

static void softmax_lanes(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                                 row_t *found)
{
    lanes_t lanes;
    frame_t frame[LANES];
    sums_t sums[LANES];
    ptrdiff_t size = first->side[0].size;
    load_lanes(first, rows, step, &lanes);
    scan_lanes(&lanes, size);
    for (int lane = 0; lane < LANES; lane++) {
        frame[lane].s_max = lanes.max[0][lane];
        frame[lane].c = two_diff(lanes.t_at_s[lane], lanes.max[0][lane], &frame[lane].c_low);
    }
    sum_lanes(&lanes, size, frame, first->temperature, 1, sums);
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        extremes_t of[2];
        for (int k = 0; k < 2; k++)
            of[k] = (extremes_t){lanes.max[k][row], 0.0, lanes.low[k][row], (ptrdiff_t)lanes.at[k][row]};
        describe(&pair, of, &found[row]);
        if (!isfinite(of[0].max) || !isfinite(of[1].max) || !from_sums(sums[row], &found[row]))
            exceptional(&pair, of, &found[row]);
    }
}

static void softmax(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], row_t *found)
{
    if (first->side[0].size > NARROW) {
        softmax_wide(first, rows, step, found);
        return;
    }
    for (ptrdiff_t row = 0; row < rows; row += LANES) {
        pair_t pair = next_pair(first, row, step);
        softmax_lanes(&pair, rows - row < LANES ? rows - row : LANES, step, found + row);
    }
}
