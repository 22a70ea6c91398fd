/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * What the classes of a row come to together, for the odds of another class: log sum w, and how far
 * the sum of t grows beyond that of s. w = exp((s - max s) / T), d = (t - s - c) / T.
 */

/* The sums over some cells of w but for the largest, w * (exp(d) - 1), w * exp(d), and of the squares
 * of the second; the largest abs(d). `one_sided` is that of spread_t. */
typedef struct {
    double rest, grown, all, square, largest;
    int one_sided;
} odds_t;

TEMPLATE odds_t add_odds(const double *s, const double *t, ptrdiff_t n, ptrdiff_t at,
                         const frame_t *frame, temperature_t temperature)
{
    const double s_max = frame->s_max, c = frame->c, c_low = frame->c_low;
    double rest_sum = 0.0, grown_sum = 0.0, all_sum = 0.0, square_sum = 0.0, largest = 0.0;
    int one_sided = 0;
#pragma omp simd reduction(+ : rest_sum, grown_sum, all_sum, square_sum) reduction(max : largest) \
    reduction(| : one_sided)
    for (ptrdiff_t i = 0; i < n; i++) {
        int no_s = s[i] == -INFINITY, no_t = t[i] == -INFINITY, none = no_s | no_t;
        double x_low, d_low, step_low, r;
        double x = over(two_diff(s[i], s_max, &x_low), &x_low, temperature);
        double step = two_diff(two_diff(t[i], s[i], &step_low), c, &d_low);
        d_low += step_low - c_low;
        double d = step + d_low;
        d_low += step - d;
        d = over(d, &d_low, temperature);
        double w = exp_negative(x, x < -708.0 ? 0.0 : x_low);
        double scale = reduce(d < -700.0 ? -700.0 : d > 700.0 ? 700.0 : d, &r);
        double more = MADD(scale, r, scale * (exp_tail(r) * r * r));
        more = MADD(d_low, scale + more, more);
        w = no_s ? 0.0 : w;
        double grown = none ? 0.0 : w * ((scale - 1.0) + more);
        d = none ? 0.0 : d;
        one_sided |= no_s ^ no_t;
        largest = fabs(d) > largest ? fabs(d) : largest;
        rest_sum += i == at ? 0.0 : w;
        grown_sum += grown;
        all_sum += none ? 0.0 : w * (scale + more);
        square_sum = MADD(grown, grown, square_sum);
    }
    return (odds_t){rest_sum, grown_sum, all_sum, square_sum, largest, one_sided};
}

static odds_t sum_odds(const pair_t *pair, ptrdiff_t largest_at, const frame_t *frame)
{
    total_t rest = {0.0, 0.0}, grown = rest, all = rest, square = rest;
    ALIGNED double s[TILE], t[TILE];
    odds_t found = {0.0, 0.0, 0.0, 0.0, 0.0, 0};
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
        for (ptrdiff_t at = 0; at < n; at += PART) {
            ptrdiff_t count = n - at < PART ? n - at : PART;
            odds_t part =
                add_odds(s + at, t + at, count, largest_at - start - at, frame, pair->temperature);
            found.largest = part.largest > found.largest ? part.largest : found.largest;
            found.one_sided |= part.one_sided;
            add_to(&rest, part.rest);
            add_to(&grown, part.grown);
            add_to(&all, part.all);
            add_to(&square, part.square);
        }
    }
    found.rest = value_of(rest);
    found.grown = value_of(grown);
    found.all = value_of(all);
    found.square = value_of(square);
    return found;
}

/* The mean of t - s over the first cells of a row, which need not be exact; c where that is its own. */
static double step_near_middle(const pair_t *pair, double c)
{
    double s[TILE], t[TILE], sum = 0.0;
    ptrdiff_t n = tile_at(&pair->side[0], 0, s), present = 0;
    tile_at(&pair->side[1], 0, t);
    for (ptrdiff_t i = 0; i < n; i++) {
        int finite = s[i] > -INFINITY && t[i] > -INFINITY;
        sum += finite ? t[i] - s[i] - c : 0.0;
        present += finite;
    }
    return present > 0 && isfinite(sum) ? c + sum / (double)present : c;
}

/* What rounding may have taken of the growth, in units of its sums. */
#define DOUBT 4e-16
/* Rows of larger steps, and probabilities below float64, are for NumPy. */
#define LARGEST_ODDS 600.0

/* The growth in two float64, and how far rounding may have moved it. */
typedef struct {
    double high, low, doubt;
} growth_t;

/* What rounding may take of the growth in a long double, which has 64 bits or more; where it has not,
 * nothing is known. */
#define SHARP_DOUBT (LDBL_MANT_DIG >= 64 ? 4e-18 : INFINITY)

/* The growth of a row of few digits, by long double. */
static growth_t sharp_growth(const pair_t *pair, const frame_t *frame)
{
    const long double inverse = 1.0L / (long double)pair->temperature.value;
    long double w_sum = 0.0L, grown_sum = 0.0L, square_sum = 0.0L;
    double s[TILE], t[TILE];
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
        for (ptrdiff_t i = 0; i < n; i++) {
            if (s[i] == -INFINITY)
                continue;
            double x_low, step_low, d_low, x = two_diff(s[i], frame->s_max, &x_low);
            double step = two_diff(two_diff(t[i], s[i], &step_low), frame->c, &d_low);
            long double d = (long double)step + ((long double)step_low + d_low - frame->c_low);
            long double w = expl(((long double)x + x_low) * inverse),
                        grown = w * expm1l(d * inverse);
            w_sum += w;
            grown_sum += grown;
            square_sum += grown * grown;
        }
    }
    long double y = grown_sum / w_sum, growth = log1pl(y);
    double high = (double)growth;
    double doubt = SHARP_DOUBT * (double)(sqrtl(square_sum) / (w_sum + grown_sum));
    return (growth_t){high, (double)(growth - high), doubt};
}

static growth_t growth_of(const odds_t *sums)
{
    double w = 1.0 + sums->rest, y = sums->grown / w;
    double growth = fabs(y) < 0.5 ? log1p(y) : log(sums->all / w);
    double doubt = DOUBT * sqrt(sums->square) / sums->all + 2e-16 * fabs(growth);
    return (growth_t){growth, 0.0, doubt};
}

/* The first parameter of a value says whether growths are to be sharp. */
static void odds_row(const pair_t *pair, row_t *found)
{
    extremes_t of_s = extremes_of(&pair->side[0]);
    frame_t frame = frame_at(pair, &of_s);
    double c = step_near_middle(pair, frame.c);
    if (c != frame.c)
        frame = (frame_t){frame.s_max, c, 0.0};
    odds_t sums = sum_odds(pair, of_s.at, &frame);
    growth_t growth = growth_of(&sums);
    found->unsettled = sums.one_sided || !isfinite(growth.high) || !(sums.largest < LARGEST_ODDS);
    if (!found->unsettled && pair->plan->value[0].parameter[0] != 0.0)
        growth = sharp_growth(pair, &frame);
    for (int i = 0; i < pair->plan->values; i++) {
        enum form form = pair->plan->value[i].form;
        double value = form == LOG_REST     ? log1p(sums.rest)
                       : form == CENTRE     ? frame.c
                       : form == CENTRE_LOW ? frame.c_low
                       : form == GROWTH     ? growth.high
                       : form == GROWTH_LOW ? growth.low
                                            : growth.doubt;
        found->value[i] = (total_t){value, 0.0};
    }
}

static void odds(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], row_t *found)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        start_row(&found[row]);
        odds_row(&pair, &found[row]);
    }
}
