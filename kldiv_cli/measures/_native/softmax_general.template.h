/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Softmax rows that the sums of one pass cannot tell: with infinities, or far apart. Two or three
 * passes over a row that lies in cache. The notation is that of softmax_sums.template.h.
 */

/* A tile: x + low is (logit - maximum) / T of each side, and e is (t - s) / T less the
 * difference of the maxima. */
typedef struct {
    double x[2][TILE], low[2][TILE], e[TILE];
    int no_p, no_q, beyond;
} tile_t;

#define ABSENT -1e3   /* exp of it is 0 */
#define ENDLESS 800.0 /* stands for the e of an absent class; exp(-ENDLESS) is 0 */

/* Whether a term overflows, or is that of a large step to a probability that is no float64. */
static int any_beyond(const double *s, const double *t, ptrdiff_t n, const tile_t *tile)
{
    int beyond = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        double e = tile->e[i], x = tile->x[e > 0.0][i];
        int absent = s[i] == -INFINITY || t[i] == -INFINITY;
        beyond |= !absent && !(fabs(e) < HUGE_STEP || (isfinite(e) && x > -700.0));
    }
    return beyond;
}

TEMPLATE void fill_with(const pair_t *pair, const extremes_t of[2], ptrdiff_t start,
                        const int careful, tile_t *tile)
{
    double s[TILE], t[TILE], shift_low, shift = two_diff(of[1].max, of[0].max, &shift_low);
    temperature_t temperature = pair->temperature;
    ptrdiff_t n = tile_at(&pair->side[0], start, s);
    int no_p = 0, no_q = 0, far = 0;
    tile_at(&pair->side[1], start, t);
#pragma omp simd reduction(| : no_p, no_q, far)
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
        far |= !(no_s | no_t) & !(fabs(e) < HUGE_STEP);
    }
    tile->no_p = no_p;
    tile->no_q = no_q;
    tile->beyond = far && any_beyond(s, t, n, tile);
}

/* At T = 1, logits of at most 32 bits within 64 of the largest need no care, see `terms_of`. */
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
 * error shows as an excess of sum q over sum p and is taken out where it matters. Return 0 where a
 * step is too large for it. */
static int general(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    ptrdiff_t size = pair->side[0].size;
    total_t rest[2] = {{0.0, 0.0}, {0.0, 0.0}};
    int no_p = 0, no_q = 0, beyond = 0;
    tile_t tile;
    for (ptrdiff_t start = 0; start < size; start += TILE) {
        ptrdiff_t n = size - start < TILE ? size - start : TILE;
        fill_tile(pair, of, start, &tile);
        no_p |= tile.no_p;
        no_q |= tile.no_q;
        beyond |= tile.beyond;
        for (int k = 0; k < 2; k++)
            add_to(&rest[k], rest_of(&tile, k, n, of[k].at - start));
    }
    if (beyond)
        return 0;
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
        /* One huge step makes J far larger than the other KL. */
        if (!(fabs(excess) > 1e-15 * fmin(value_of(sum.kl), value_of(sum.reverse_kl))))
            break;
        shift += log1p(excess);
    }
    found->jeffreys = no_p || no_q ? INFINITY : jeffreys;
    found->kl = no_q ? INFINITY : value_of(sum.kl);
    found->reverse_kl = no_p ? INFINITY : value_of(sum.reverse_kl);
    return 1;
}

static int is_tiny(const row_t *found)
{
    return !(found->jeffreys > TINY && found->kl > TINY && found->reverse_kl > TINY);
}

/* Return whether a row does not count, as one side at least is no distribution. */
static int uncounted(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    int none[2] = {of[0].max == -INFINITY, of[1].max == -INFINITY};
    if (undefined(pair, found))
        return 1;
    if (none[0] && none[1])
        found->status = SKIPPED;
    else if (none[0] || none[1] || of[0].max == INFINITY || of[1].max == INFINITY)
        found->status = INVALID;
    return found->status != COUNTED;
}

/* A row whose sums cannot be trusted: one side is no distribution, has infinities, or is far
 * away. */
static void exceptional(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    if (uncounted(pair, of, found))
        return;
    scale_t scaled = without_overflow(pair, of);
    if (!general(&scaled.pair, scaled.of, found) || is_tiny(found))
        wide_softmax(&scaled.pair, scaled.of, found);
}

/* A row whose sums can be trusted, but for what underflows in them. */
static void close_row(const pair_t *pair, const extremes_t of[2], const frame_t *frame, int same,
                      row_t *found)
{
    if (steps_far_down(pair, frame, of[1].low)) {
        exceptional(pair, of, found);
    } else if (!same && is_tiny(found)) {
        scale_t scaled = without_overflow(pair, of);
        wide_softmax(&scaled.pair, scaled.of, found);
    }
}
