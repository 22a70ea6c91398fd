/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The first pass over a row: its extremes, its sums, and by them the three divergences where they hold.
 */

/* So many tiles have their largest abs(d) kept for a second pass, which looks again at others. */
#define TILES_KEPT 1024

/* A row after the first pass. Its sums, and 1 / T and c in `origin`, are those of close_sums.template.h;
 * shift is the logarithm of the sum of p * exp(d), by which d and log(q / p) differ. */
typedef struct {
    const pair_t *pair;
    enum layout layout;
    origin_t origin;
    parts_t sums;
    double shift, reach, deepest;
    extremes_t of[2];
    ptrdiff_t best[2];
    int absent;
    float steps[TILES_KEPT];
} seen_t;

/* A tile of it: `deep` cells need care, and those that are not `whole` have holes. */
typedef struct {
    view_t view;
    scan_t scan;
    ptrdiff_t present;
    int whole;
} piece_t;

static piece_t piece_at(const seen_t *row, ptrdiff_t start, space_t *space)
{
    piece_t piece = {.present = CLOSE_TILE, .whole = 1};
    pause_at(&row->pair->side[0], start);
    pause_at(&row->pair->side[1], start);
    if (lies_plainly(row->pair, row->layout, start)) {
        piece.view = lying(row->pair, row->layout, start);
        piece.scan = scan_view(&piece.view);
        if (piece.scan.min[0] > -INFINITY)
            return piece;
    }
    piece.view = with_copies(row->pair, start, space, &piece.present);
    piece.whole = piece.present == piece.view.n;
    piece.scan = scan_view(&piece.view);
    return piece;
}

/* The largest abs(d) of a tile. */
static double reach_of(const scan_t *scan, const origin_t *origin)
{
    double rounding = 1.2e-7 * fmax(fabs(scan->step_max), fabs(scan->step_min));
    double largest = fmax(fabs(scan->step_max - origin->c), fabs(scan->step_min - origin->c));
    return (largest + rounding) * origin->inverse;
}

static void note_extremes(seen_t *row, const piece_t *piece, ptrdiff_t start)
{
    for (int k = 0; k < 2; k++) {
        extremes_t *of = &row->of[k];
        if (piece->scan.max[k] > of->max) {
            of->max = piece->scan.max[k];
            row->best[k] = start;
        }
        of->low = piece->scan.min[k] < of->low ? piece->scan.min[k] : of->low;
    }
}

static parts_t sums_of_piece(const seen_t *row, piece_t *piece, ptrdiff_t start, space_t *space)
{
    double reach = reach_of(&piece->scan, &row->origin);
    int plain = row->origin.inverse == 1.0 && piece->scan.min[0] >= row->origin.max - DEEPEST;
    if (!piece->whole)
        piece->view = without_holes(row->pair, start, &row->origin, space);
    return sum_of_view(&piece->view, &row->origin, plain, tier_of(reach));
}

/* Set what d and w are relative to from the first tile: its largest s, and the step there or, where
 * more tiles follow, the mean step. A mean is rounded, so that steps less it are exact in float32. */
static void find_origin(seen_t *row, piece_t *piece, ptrdiff_t start, space_t *space)
{
    ptrdiff_t at = place_of(&piece->view, 0, piece->scan.max[0]);
    const view_t *view = &piece->view;
    doubles_t s = view->narrow ? cell_at(view, 0, at - at % VECTOR, 1)
                               : cell_at(view, 0, at - at % VECTOR, 0);
    doubles_t t = view->narrow ? cell_at(view, 1, at - at % VECTOR, 1)
                               : cell_at(view, 1, at - at % VECTOR, 0);
    row->origin.max = piece->scan.max[0];
    row->origin.c = t[at % VECTOR] - s[at % VECTOR];
    if (row->pair->side[0].size <= 4 * CLOSE_TILE)
        return;
    if (!(reach_of(&piece->scan, &row->origin) <= 8.0))
        return;
    parts_t sums = sums_of_piece(row, piece, start, space);
    double mean = sums.wd / sums.w / row->origin.inverse;
    row->origin.c += nearbyint(mean * 0x1p20) * 0x1p-20;
}

/* Steps so large, maxima so far from that of the first tile, and logits beside which a step of some T
 * is nothing, are left to other forms. */
#define LONGEST_STEP 64.0
#define MOST_ABOVE 30.0
#define LARGEST_LOGIT 0x1p30

static int is_unusual(const seen_t *row, const piece_t *piece)
{
    const scan_t *scan = &piece->scan;
    return !(isfinite(scan->max[0]) && isfinite(scan->max[1]) && isfinite(scan->min[0]) &&
             isfinite(scan->min[1]) &&
             fmax(fabs(scan->max[0]), fabs(scan->max[1])) * row->origin.inverse <= LARGEST_LOGIT &&
             (scan->max[0] - row->origin.max) * row->origin.inverse <= MOST_ABOVE &&
             reach_of(scan, &row->origin) <= LONGEST_STEP);
}

static void add_parts(total_t sums[5], const parts_t *parts)
{
    add_to(&sums[0], parts->w);
    add_to(&sums[1], parts->wd);
    add_to(&sums[2], parts->wphi);
    add_to(&sums[3], parts->wgrown);
    add_to(&sums[4], parts->v);
}

/* Take the first pass, and return 0 if the row is no such row. */
static int sum_row(const pair_t *pair, seen_t *row)
{
    const extremes_t none = {-INFINITY, INFINITY, INFINITY, 0};
    total_t sums[5] = {{0.0, 0.0}};
    space_t space;
    row->pair = pair;
    row->layout = layout_of(pair);
    row->origin = (origin_t){-INFINITY, 0.0, pair->temperature.inverse};
    row->of[0] = row->of[1] = none;
    row->best[0] = row->best[1] = 0;
    row->reach = 0.0;
    row->absent = 0;
    for (ptrdiff_t start = 0, tile = 0; start < pair->side[0].size; start += CLOSE_TILE, tile++) {
        piece_t piece = piece_at(row, start, &space);
        row->absent |= piece.present < CLOSE_TILE && piece.present < pair->side[0].size - start;
        if (tile < TILES_KEPT)
            row->steps[tile] = 0.0f;
        if (piece.present == 0)
            continue;
        if (row->origin.max == -INFINITY && isfinite(piece.scan.max[0]))
            find_origin(row, &piece, start, &space);
        if (is_unusual(row, &piece))
            return 0;
        note_extremes(row, &piece, start);
        double reach = reach_of(&piece.scan, &row->origin);
        row->reach = reach > row->reach ? reach : row->reach;
        if (tile < TILES_KEPT)
            row->steps[tile] = (float)reach;
        parts_t parts = sums_of_piece(row, &piece, start, &space);
        add_parts(sums, &parts);
    }
    row->sums = (parts_t){value_of(sums[0]), value_of(sums[1]), value_of(sums[2]),
                          value_of(sums[3]), value_of(sums[4])};
    const parts_t *of = &row->sums;
    double grown = (of->wd + of->wphi) / of->w;
    row->shift = fabs(grown) < 0.5 ? log1p(grown) : log(of->v / of->w);
    row->deepest = (row->of[0].max - row->of[0].low) * row->origin.inverse;
    return isfinite(of->w) && isfinite(row->shift) && isfinite(of->wgrown) && of->w > 0.0;
}

/* Where the largest cell of a side is. Cells that are absent on both sides hold the value of another
 * in a piece. */
static ptrdiff_t place_in_row(const seen_t *row, int k, space_t *space)
{
    const side_t *side = &row->pair->side[k];
    const double max = row->of[k].max;
    ptrdiff_t at = row->best[k];
    if (!row->absent) {
        piece_t piece = piece_at(row, at, space);
        return at + place_of(&piece.view, k, max);
    }
    double x[TILE];
    for (; at < side->size; at += TILE) {
        ptrdiff_t n = tile_at(side, at, x);
        for (ptrdiff_t i = 0; i < n; i++)
            if (x[i] == max)
                return at + i;
    }
    return row->best[k];
}

/* Fill in where the largest cells of each side are, and what else a scan says. */
static void describe_seen(seen_t *row, row_t *found)
{
    space_t space;
    for (int k = 0; k < 2; k++) {
        row->of[k].at = place_in_row(row, k, &space);
        row->of[k].min = row->absent ? -INFINITY : row->of[k].low;
    }
    describe(row->pair, row->of, found);
}

/* Whether every t - s - c is exact. */
static int steps_are_exact(const seen_t *row)
{
    space_t space;
    for (ptrdiff_t start = 0; start < row->pair->side[0].size; start += CLOSE_TILE) {
        view_t view = lies_plainly(row->pair, row->layout, start)
                          ? lying(row->pair, row->layout, start)
                          : without_holes(row->pair, start, &row->origin, &space);
        const doubles_t c = ALL(row->origin.c);
        longs_t lost = {0};
        for (ptrdiff_t i = 0; i < view.n; i += VECTOR) {
            doubles_t s = view.narrow ? cell_at(&view, 0, i, 1) : cell_at(&view, 0, i, 0);
            doubles_t t = view.narrow ? cell_at(&view, 1, i, 1) : cell_at(&view, 1, i, 0);
            doubles_t step = t - s, of_s = step - t, low = (t - (step - of_s)) - (s + of_s);
            doubles_t d = step - c, of_c = d - step, rest = (step - (d - of_c)) - (c + of_c);
            lost |= (longs_t)(low != 0.0) | (longs_t)(rest != 0.0);
        }
        for (int i = 0; i < VECTOR; i++)
            if (lost[i])
                return 0;
    }
    return 1;
}

/* Whether the rounding of steps, and that of exp in cells so deep, does not show beside a J. */
static int keeps_digits(const seen_t *row, double jeffreys)
{
    double least = row->reach > LONG_STEP ? 1e-6 : 1e-20;
    return (row->deepest <= 64.0 || jeffreys > least) &&
           (!shows(jeffreys, row->origin.c * row->origin.inverse) || steps_are_exact(row));
}

/* Whether the sums of the first pass tell the three divergences, which are set. What underflows is no
 * row of which all steps are 0. */
static int tells(const seen_t *row, row_t *found)
{
    const sums_t sums = {row->sums.w, row->sums.wd, row->sums.wphi, row->sums.wgrown, 0.0};
    if (!(row->reach <= 32.0 && from_sums(sums, found)))
        return 0;
    int same = sums.wd == 0.0 && sums.wphi == 0.0 && sums.wgrown == 0.0;
    if (same)
        found->jeffreys = found->kl = found->reverse_kl = 0.0;
    return (same ? row->origin.c == 0.0 : !is_tiny(found)) && keeps_digits(row, found->jeffreys);
}
