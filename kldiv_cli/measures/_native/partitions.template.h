/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The logarithms of a row's sums, from its first pass at T = 1: what a class's log p, log q and
 * log(q / p) take.
 */

/* The sum of exp(x - max x) of a side without its largest class. */
static double rest_of_side(const seen_t *row, int k)
{
    const side_t *side = &row->pair->side[k];
    const double max = row->of[k].max;
    total_t rest = {0.0, 0.0};
    double x[TILE];
    for (ptrdiff_t start = 0; start < side->size; start += TILE) {
        ptrdiff_t n = tile_at(side, start, x), at = row->of[k].at - start;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (ptrdiff_t i = 0; i < n; i++) {
            double low, less = two_diff(x[i], max, &low);
            double w = exp_negative(less, less < -708.0 ? 0.0 : low);
            sum += i == at ? 0.0 : w;
        }
        add_to(&rest, sum);
    }
    return value_of(rest);
}

/* Beside a class of more, the sum over all has lost digits of the rest. */
#define LARGE_SHARE 0.85

static void note_partitions(const seen_t *row, row_t *found)
{
    const origin_t *origin = &row->origin;
    const double top[2] = {row->of[0].max - origin->max, row->of[1].max - origin->c - origin->max};
    for (int k = 0; k < 2; k++) {
        double largest = exp(top[k]), all = k == 0 ? row->sums.w : row->sums.v;
        double rest = largest > LARGE_SHARE * all ? rest_of_side(row, k) : all / largest - 1.0;
        found->partition[k] = log1p(rest);
    }
    found->step = origin->c;
    found->shift = row->shift;
}
