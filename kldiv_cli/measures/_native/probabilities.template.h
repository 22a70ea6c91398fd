/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The kernel of rows of probabilities under softmax at T = 1: J, KL(p||q) and KL(q||p).
 */

static int probabilities_row(const pair_t *pair, row_t *found)
{
    moved_t row = {.steps = NEAR};
    shares_t tile;
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, tile.p);
        tile_at(&pair->side[1], start, tile.q);
        for (ptrdiff_t i = 0; i < n; i++)
            tile.more[i] = tile.q[i] - tile.p[i];
        add_shares(&tile, n, 0, &row);
    }
    return from_shares(&row, found);
}

/* A row is skipped that is 0 on both sides; it is invalid if it is 0 on one, or holds NaN, infinity or a
 * number below 0. */
static int64_t status_of_shares(const extremes_t of[2])
{
    int invalid = 0, none[2];
    for (int k = 0; k < 2; k++) {
        none[k] = of[k].min == 0.0 && of[k].max == 0.0;
        invalid |= !(of[k].min >= 0.0) || !(of[k].max < INFINITY);
    }
    return invalid              ? INVALID
           : none[0] && none[1] ? SKIPPED
           : none[0] || none[1] ? INVALID
                                : COUNTED;
}

static void probabilities(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                          row_t *found)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        extremes_t of[2] = {extremes_of(&pair.side[0]), extremes_of(&pair.side[1])};
        start_row(&found[row]);
        found[row].status = status_of_shares(of);
        if (found[row].status == COUNTED)
            found[row].unsettled = !probabilities_row(&pair, &found[row]);
        if (found[row].unsettled && undefined(&pair, &found[row]))
            found[row].unsettled = 0;
        int counted = found[row].status == COUNTED;
        for (int k = 0; k < 2; k++)
            found[row].argmax[k] = counted ? of[k].at : 0;
        found[row].same = found[row].argmax[0] == found[row].argmax[1];
        found[row].of = 1;
        found[row].constant = counted ? constant_cells(&pair, of, 0.0) : 0;
    }
}
