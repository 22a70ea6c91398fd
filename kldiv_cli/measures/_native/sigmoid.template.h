/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The kernel of sigmoid rows: what was found of the cells, summed.
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
static int beyond(const pair_t *pair, const cells_t *sum, const row_t *found, extent_t extent)
{
    if (sum->undefined || !(sum->step > 0.0) || extent == NOTHING)
        return 0;
    int tiny = !(found->jeffreys > TINY) ||
               (has_kl(extent) && !(found->kl > TINY && found->reverse_kl > TINY));
    return tiny || !(sum->step * pair->temperature.inverse < HUGE_STEP);
}

/* Set the divergences anew; those of cells that are infinite on one side only stay. */
static void widely(const pair_t *pair, const cells_t *sum, extent_t extent, row_t *found)
{
    row_t rest;
    wide_sigmoid(pair, &rest);
    found->jeffreys = rest.jeffreys + sum->one_sided[0];
    found->kl = has_kl(extent) ? rest.kl + sum->one_sided[1] : 0.0;
    found->reverse_kl = has_kl(extent) ? rest.reverse_kl + sum->one_sided[2] : 0.0;
}

/* Whether NumPy has to compute the other values: where outcomes may have no probability in float64,
 * where one side alone is infinite, or where a term said so. */
static int is_unsettled(const pair_t *pair, const cells_t *sum, extent_t extent, const row_t *found)
{
    if (found->status != COUNTED || !(pair->plan->wanted & ~DIVERGENCES_ALONE))
        return 0;
    int far = !(sum->step * pair->temperature.inverse < FAR_STEP) || sum->one_sided[0] > 0.0;
    int unsettled = far || beyond(pair, sum, found, extent);
    for (int i = 0; i < pair->plan->values; i++)
        unsettled |= !isfinite(found->value[i].sum);
    return unsettled;
}

static void finish_cells(const pair_t *pair, const extremes_t of[2], const cells_t *sum,
                         extent_t extent, row_t *found)
{
    found->jeffreys = extent == NOTHING && sum->step > 0.0 ? NAN : value_of(sum->jeffreys);
    found->kl = value_of(sum->kl);
    found->reverse_kl = value_of(sum->reverse_kl);
    found->same = sum->same;
    found->of = sum->of;
    if (beyond(pair, sum, found, extent))
        widely(pair, sum, extent, found);
    if (sum->undefined)
        undefined(pair, found);
    else if (of[0].max == -INFINITY && of[1].max == -INFINITY)
        found->status = SKIPPED;
    note_constant(pair, of, found);
    found->unsettled = is_unsettled(pair, sum, extent, found);
}

/* How much of a cell a plan needs. */
static extent_t extent_of(const plan_t *plan)
{
    const unsigned of_outcomes =
        1u << HELLINGER | 1u << MIXTURE | 1u << RENYI | 1u << LARGEST_RATIO;
    const unsigned of_kl = 1u << KL | 1u << REVERSE_KL, of_alone = 1u << JEFFREYS | 1u << TV;
    if (plan->wanted & of_outcomes)
        return plan->wanted & of_kl ? ALL_OF_IT : WITH_OUTCOMES;
    if (plan->wanted & of_kl)
        return WITH_KL;
    return plan->wanted & of_alone ? ALONE : NOTHING;
}

static void add_divergences(const found_t *of, ptrdiff_t start, ptrdiff_t n, extent_t extent,
                            cells_t *sum)
{
    if (extent != NOTHING)
        add_to(&sum->jeffreys, sum_of(of->jeffreys + start, n));
    if (!has_kl(extent))
        return;
    add_to(&sum->kl, sum_of(of->kl + start, n));
    add_to(&sum->reverse_kl, sum_of(of->reverse_kl + start, n));
}

/* Whether a value is one of the three divergences, which are found with the cells. */
static int is_divergence(const value_t *value)
{
    return (1u << value->form & DIVERGENCES_ALONE) != 0;
}

/* Add the values of the cells of some rows of a tile, which have one form and `size` cells each. */
static void add_values(const stretch_t *of, const found_t *tile, const plan_t *plan, tier_t tier,
                       ptrdiff_t size, row_t *found)
{
    ALIGNED double term[TILE];
    for (int i = 0; i < plan->values; i++) {
        if (is_divergence(&plan->value[i]))
            continue;
        fill_value(of, tile, &plan->value[i], tier, term);
        for (ptrdiff_t at = of->start, row = 0; at < of->end; at += size, row++)
            add_to(&found[row].value[i], sum_of(term + at, size));
    }
}

static void start_values(const plan_t *plan, row_t *found)
{
    for (int i = 0; i < plan->values; i++)
        found->value[i] = (total_t){0.0, 0.0};
}

static void sigmoid_wide_row(const pair_t *given, row_t *found)
{
    const plan_t *plan = given->plan;
    const extent_t extent = extent_of(plan);
    extremes_t of[2] = {extremes_of(&given->side[0]), extremes_of(&given->side[1])};
    describe(given, of, found);
    start_values(plan, found);
    const pair_t pair = without_overflow(given, of).pair;
    const double masked = MASKED * pair.side[0].scale;
    cells_t sum = {.same = 0};
    ALIGNED double s[TILE], t[TILE];
    found_t tile;
    for (ptrdiff_t start = 0; start < pair.side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair.side[0], start, s);
        tile_at(&pair.side[1], start, t);
        form_t form = scan_cells(s, t, n, pair.temperature, masked, &sum);
        const stretch_t cells = {s, t, 0, n, pair.temperature};
        fill(&cells, form, extent, &tile);
        add_divergences(&tile, 0, n, extent, &sum);
        add_values(&cells, &tile, plan, form.tier, n, found);
    }
    finish_cells(&pair, of, &sum, extent, found);
}

/* Several rows in one tile. Each takes its own form; neighbours of one form are computed at once. */
static void sigmoid_narrow_rows(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                                row_t *found)
{
    const plan_t *plan = first->plan;
    const extent_t extent = extent_of(plan);
    const ptrdiff_t size = first->side[0].size;
    ALIGNED double s[TILE] = {0.0}, t[TILE] = {0.0};
    found_t tile;
    cells_t sum[TILE];
    extremes_t of[TILE][2];
    form_t form[TILE];
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        of[row][0] = extremes_of(&pair.side[0]);
        of[row][1] = extremes_of(&pair.side[1]);
        describe(&pair, of[row], &found[row]);
        start_values(plan, &found[row]);
        sum[row] = (cells_t){.same = 0};
        tile_at(&pair.side[0], 0, s + row * size);
        tile_at(&pair.side[1], 0, t + row * size);
        form[row] =
            scan_cells(s + row * size, t + row * size, size, pair.temperature, MASKED, &sum[row]);
    }
    for (ptrdiff_t row = 0, end; row < rows; row = end) {
        for (end = row + 1; end < rows && is_same(form[end], form[row]); end++)
            ;
        const stretch_t cells = {s, t, row * size, end * size, first->temperature};
        fill(&cells, form[row], extent, &tile);
        add_values(&cells, &tile, plan, form[row].tier, size, found + row);
    }
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        add_divergences(&tile, row * size, size, extent, &sum[row]);
        finish_cells(&pair, of[row], &sum[row], extent, &found[row]);
    }
}

static void sigmoid(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], row_t *found)
{
    const ptrdiff_t size = first->side[0].size;
    const int wide = size > NARROW || first->wide;
    const ptrdiff_t at_once = wide ? 1 : TILE / size;
    for (ptrdiff_t row = 0; row < rows; row += at_once) {
        pair_t pair = next_pair(first, row, step);
        ptrdiff_t count = rows - row < at_once ? rows - row : at_once;
        if (wide)
            sigmoid_wide_row(&pair, found + row);
        else
            sigmoid_narrow_rows(&pair, count, step, found + row);
    }
}
