/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Softmax rows of which the candidate is mixed with the uniform distribution u over n classes: the
 * divergences of p and (1 - E) q + E u. With e = log(q / p), q - p is p (exp(e) - 1), and the mixture
 * has (1 - E) (q - p) + E (u - p) more than p.
 */

/* What softmax needs of a row: e is (t - s) / T less the difference of the maxima and a shift. */
typedef struct {
    double shift, inverse[2];
} partitions_t;

/* E, 1 - E, 1 / n */
typedef struct {
    double weight, rest, uniform;
} mixture_t;

static partitions_t partitions_of(const pair_t *pair, const extremes_t of[2], tile_t *tile)
{
    ptrdiff_t size = pair->side[0].size;
    total_t rest[2] = {{0.0, 0.0}, {0.0, 0.0}};
    for (ptrdiff_t start = 0; start < size; start += TILE) {
        ptrdiff_t n = size - start < TILE ? size - start : TILE;
        fill_tile(pair, of, start, tile);
        for (int k = 0; k < 2; k++)
            add_to(&rest[k], rest_of(tile, k, n, of[k].at - start));
    }
    double p = value_of(rest[0]), q = value_of(rest[1]);
    return (partitions_t){log1p(q) - log1p(p), {1.0 / (1.0 + p), 1.0 / (1.0 + q)}};
}

static void mix(const tile_t *from, ptrdiff_t n, const partitions_t *row, mixture_t by,
                shares_t *to)
{
    double uniform = by.weight * by.uniform;
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) {
        double e = from->e[i] - row->shift;
        double p = exp_negative(from->x[0][i], from->low[0][i]) * row->inverse[0];
        double q = exp_negative(from->x[1][i], from->low[1][i]) * row->inverse[1];
        double small = fabs(e) < SMALL_STEP ? e : 0.0,
               grown = MADD(exp_tail(small) * small, small, small);
        double moved = by.rest * (fabs(e) < SMALL_STEP ? p * grown : q - p);
        double drawn = by.weight * (by.uniform - p);
        to->p[i] = p;
        to->q[i] = MADD(by.rest, q, uniform);
        to->more[i] = moved + drawn;
        to->parts[i] = fabs(moved) + MADD(by.weight, p, uniform);
    }
}

static int smoothed_row(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    ptrdiff_t size = pair->side[0].size;
    /* A class of another probability than 0 is not to underflow to it. */
    if ((of[0].low - of[0].max) * pair->temperature.inverse < -700.0)
        return 0;
    mixture_t by = {pair->plan->smooth, 1.0 - pair->plan->smooth, 1.0 / (double)size};
    moved_t row = {.steps = ANY};
    tile_t from;
    shares_t tile;
    partitions_t partitions = partitions_of(pair, of, &from);
    for (ptrdiff_t start = 0; start < size; start += TILE) {
        ptrdiff_t n = size - start < TILE ? size - start : TILE;
        fill_tile(pair, of, start, &from);
        mix(&from, n, &partitions, by, &tile);
        add_shares(&tile, n, 1, &row);
    }
    return from_shares(&row, found);
}

static void smoothed(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2], row_t *found)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        pair_t pair = next_pair(first, row, step);
        extremes_t of[2] = {extremes_of(&pair.side[0]), extremes_of(&pair.side[1])};
        describe(&pair, of, &found[row]);
        if (uncounted(&pair, of, &found[row]))
            continue;
        scale_t scaled = without_overflow(&pair, of);
        found[row].unsettled = !smoothed_row(&scaled.pair, scaled.of, &found[row]);
        found[row].constant = constant_cells(&pair, of, -INFINITY);
    }
}
