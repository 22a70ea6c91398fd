/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The kernels of sigmoid rows: the divergences of sigmoid_cells.template.h, summed over the cells.
 */

static double sum_of(const double *x, ptrdiff_t n)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* Whether a number on the way to the sums may have left float64. */
static int beyond(const pair_t *pair, const cells_t *sum, const row_t *found, int all)
{
    if (sum->undefined || !(sum->step > 0.0))
        return 0;
    int tiny =
        !(found->jeffreys > TINY) || (all && !(found->kl > TINY && found->reverse_kl > TINY));
    return tiny || !(sum->step * pair->temperature.inverse < HUGE_STEP);
}

/* Set the divergences anew; those of cells that are infinite on one side only stay. */
static void widely(const pair_t *pair, const cells_t *sum, int all, row_t *found)
{
    row_t rest;
    wide_sigmoid(pair, &rest);
    found->jeffreys = rest.jeffreys + sum->one_sided[0];
    found->kl = all ? rest.kl + sum->one_sided[1] : 0.0;
    found->reverse_kl = all ? rest.reverse_kl + sum->one_sided[2] : 0.0;
}

static void finish_cells(const pair_t *pair, const extremes_t of[2], const cells_t *sum, int all,
                         row_t *found)
{
    found->jeffreys = value_of(sum->jeffreys);
    found->kl = value_of(sum->kl);
    found->reverse_kl = value_of(sum->reverse_kl);
    found->same = sum->same;
    found->of = sum->of;
    if (beyond(pair, sum, found, all))
        widely(pair, sum, all, found);
    if (sum->undefined)
        undefined(pair, found);
    else if (of[0].max == -INFINITY && of[1].max == -INFINITY)
        found->status = SKIPPED;
    note_constant(pair, of, found);
}

TEMPLATE void add_divergences(const divergences_t *of, ptrdiff_t start, ptrdiff_t n, const int all,
                              cells_t *sum)
{
    add_to(&sum->jeffreys, sum_of(of->jeffreys + start, n));
    if (all) {
        add_to(&sum->kl, sum_of(of->kl + start, n));
        add_to(&sum->reverse_kl, sum_of(of->reverse_kl + start, n));
    }
}

TEMPLATE void sigmoid_wide(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                           const int all, row_t *found)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        extremes_t of[2] = {extremes_of(&pair.side[0]), extremes_of(&pair.side[1])};
        describe(&pair, of, &found[row]);
        scale_t scaled = without_overflow(&pair, of);
        pair = scaled.pair;
        double masked = MASKED * pair.side[0].scale;
        cells_t sum = {.same = 0};
        ALIGNED double s[TILE], t[TILE];
        divergences_t tile;
        for (ptrdiff_t start = 0; start < pair.side[0].size; start += TILE) {
            ptrdiff_t n = tile_at(&pair.side[0], start, s);
            tile_at(&pair.side[1], start, t);
            form_t form = scan_cells(s, t, n, pair.temperature, masked, &sum);
            fill(s, t, 0, n, pair.temperature, form, all, &tile);
            add_divergences(&tile, 0, n, all, &sum);
        }
        finish_cells(&pair, of, &sum, all, &found[row]);
    }
}

/* Several rows in a tile. Each takes its own form; neighbours of one form are computed at once. */
TEMPLATE void fill_rows(const double *s, const double *t, ptrdiff_t rows, ptrdiff_t size,
                        temperature_t temperature, const form_t *form, const int all,
                        divergences_t *of)
{
    for (ptrdiff_t row = 0, end; row < rows; row = end) {
        for (end = row + 1; end < rows && is_same(form[end], form[row]); end++)
            ;
        fill(s, t, row * size, end * size, temperature, form[row], all, of);
    }
}

/* Several rows in one tile: the cells of all are computed in one loop. */
TEMPLATE void sigmoid_narrow(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                             const int all, row_t *found)
{
    ptrdiff_t size = first->side[0].size;
    ALIGNED double s[TILE] = {0.0}, t[TILE] = {0.0};
    divergences_t tile;
    cells_t sum[TILE];
    extremes_t of[TILE][2];
    form_t form[TILE];
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        of[row][0] = extremes_of(&pair.side[0]);
        of[row][1] = extremes_of(&pair.side[1]);
        describe(&pair, of[row], &found[row]);
        sum[row] = (cells_t){.same = 0};
        tile_at(&pair.side[0], 0, s + row * size);
        tile_at(&pair.side[1], 0, t + row * size);
        form[row] =
            scan_cells(s + row * size, t + row * size, size, pair.temperature, MASKED, &sum[row]);
    }
    fill_rows(s, t, rows, size, first->temperature, form, all, &tile);
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        add_divergences(&tile, row * size, size, all, &sum[row]);
        finish_cells(&pair, of[row], &sum[row], all, &found[row]);
    }
}

TEMPLATE void sigmoid_rows(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                           const int all, row_t *found)
{
    if (first->side[0].size > NARROW || first->wide) {
        sigmoid_wide(first, rows, step, all, found);
        return;
    }
    ptrdiff_t at_once = TILE / first->side[0].size;
    for (ptrdiff_t row = 0; row < rows; row += at_once) {
        pair_t pair = next_pair(first, row, step);
        ptrdiff_t count = rows - row < at_once ? rows - row : at_once;
        sigmoid_narrow(&pair, count, step, all, found + row);
    }
}

static void sigmoid(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], row_t *found)
{
    if (first->plan->wanted == 1u << JEFFREYS)
        sigmoid_rows(first, rows, step, 0, found);
    else
        sigmoid_rows(first, rows, step, 1, found);
}
