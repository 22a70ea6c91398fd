/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The part of a row's probability that some of its classes have, under softmax: the sum of their
 * exp((x - max x) / T) over that of all. NaN where the row is no distribution.
 */

static double share(const side_t *side, temperature_t temperature, const uint8_t *some)
{
    total_t all = {0.0, 0.0}, part = {0.0, 0.0};
    double x[TILE], max = -INFINITY, least;
    for (ptrdiff_t start = 0; start < side->size; start += TILE) {
        ptrdiff_t n = side->size - start < TILE ? side->size - start : TILE;
        double highest;
        side->type.range(side->from + start * side->stride, side->stride, n, &highest, &least);
        max = highest > max ? highest : max;
    }
    for (ptrdiff_t start = 0; start < side->size; start += TILE) {
        ptrdiff_t n = tile_at(side, start, x);
        double sum = 0.0, of_some = 0.0;
#pragma omp simd reduction(+ : sum, of_some)
        for (ptrdiff_t i = 0; i < n; i++) {
            double low, less = over(two_diff(x[i], max, &low), &low, temperature);
            double w = exp_negative(less, less < -708.0 ? 0.0 : low);
            sum += w;
            of_some += some[start + i] ? w : 0.0;
        }
        add_to(&all, sum);
        add_to(&part, of_some);
    }
    return value_of(part) / value_of(all);
}
