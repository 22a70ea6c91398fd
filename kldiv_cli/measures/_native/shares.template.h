/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * Rows of probabilities, p and q, not yet divided by their sums P and Q. z = (q - p) / (q + p) says
 * all of a cell that is needed near p = q, without a logarithm: d = log(q / p) = 2 atanh(z).
 *
 * From the sums over a row of g = q - p - p d and h = q d - (q - p), each term >= 0, and y = Q / P - 1,
 *   KL(p||q) = sum g / P + log(1 + y) - y,
 *   KL(q||p) = sum h / Q + log(1 + v) - v,  v = -y / (1 + y).
 */

/* A tile: p, q, and what q has more than p, which may be known better than q. Where it is a sum, the parts
 * are the sum of the sizes of its terms. */
typedef struct {
    ALIGNED double p[TILE], q[TILE], more[TILE], parts[TILE];
} shares_t;

/* doubt is the sum of parts * abs(z), and largest the largest abs(z). A row has no_p where p = 0 < q,
 * and is beyond where a ratio of two shares is no normal float64. */
typedef struct {
    total_t p, more, g, h, doubt;
    double largest;
    int no_p, no_q, beyond;
    enum steps { NEAR, SMALL, ANY } steps; /* of the part before */
} moved_t;

/* The largest abs(z) of a d of 1/16, and of two fractions within sqrt(2). */
#define Z_NEAR 0.03125
#define Z_FAR 0.1717

#define LOG_2 0x1.62e42fee00000p-1
#define LOG_2_LOW 0x1.a39ef35793c76p-33

/* `atanh_tail` up to one of these bounds. */
TEMPLATE double atanh_short(double zz, const int near)
{
    double q = 0x1.c7d6d6880307cp-4;
    if (near) {
        q = MADD(q, zz, 0x1.24923a9363f54p-3);
        q = MADD(q, zz, 0x1.9999999a5415cp-3);
        return MADD(q, zz, 0x1.555555555554ap-2);
    }
    q = MADD(0x1.0c0e8f3c98b3ep-4, zz, 0x1.0fbd899eaf6e0p-4);
    q = MADD(q, zz, 0x1.3b1c3f6063f3cp-4);
    q = MADD(q, zz, 0x1.745cf8d558977p-4);
    q = MADD(q, zz, 0x1.c71c7201ca461p-4);
    q = MADD(q, zz, 0x1.24924924768ccp-3);
    q = MADD(q, zz, 0x1.9999999999a39p-3);
    return MADD(q, zz, 0x1.5555555555555p-2);
}

/* x = 2**power * f, f from 1 to below 2, of a normal x > 0. */
static inline double fraction_of(double x, double *power)
{
    *power = of_bits(bits_of(x) >> 52 | 0x4330000000000000) - (0x1p52 + 1023.0);
    return of_bits((bits_of(x) & 0x000fffffffffffff) | 0x3ff0000000000000);
}

typedef struct {
    double p, more, g, h, doubt, largest;
} of_tile_t;

/* Add some cells of a tile of which no abs(z) is above the bound of a form. */
TEMPLATE of_tile_t add_close(const shares_t *x, ptrdiff_t start, ptrdiff_t end, const int near,
                             const int mixed)
{
    double p_sum = 0.0, more_sum = 0.0, g_sum = 0.0, h_sum = 0.0, doubt = 0.0, largest = 0.0;
#pragma omp simd reduction(+ : p_sum, more_sum, g_sum, h_sum, doubt) reduction(max : largest)
    for (ptrdiff_t i = start; i < end; i++) {
        double both = x->p[i] + x->q[i], z = x->more[i] / (both > 0.0 ? both : 1.0), zz = z * z;
        double square = both * zz, tail = square * (z * atanh_short(zz, near));
        largest = fabs(z) > largest ? fabs(z) : largest;
        p_sum += x->p[i];
        more_sum += x->more[i];
        g_sum += MADD(tail, z, square - tail);
        h_sum += MADD(tail, z, square + tail);
        if (mixed)
            doubt = MADD(x->parts[i], fabs(z), doubt);
    }
    return (of_tile_t){p_sum, more_sum, g_sum, h_sum, doubt, largest};
}

/* Add any cells of a tile; their largest abs(z) is infinite if it is above the bound. Where log(q / p)
 * is not small it is k * log(2) + 2 atanh(z), z that of the fractions. */
TEMPLATE of_tile_t add_far(const shares_t *x, ptrdiff_t start, ptrdiff_t end, const int mixed,
                           moved_t *row)
{
    const double root = 0x1.6a09e667f3bcdp+0;
    double p_sum = 0.0, more_sum = 0.0, g_sum = 0.0, h_sum = 0.0, doubt = 0.0;
    int no_p = 0, no_q = 0, beyond = 0, far = 0;
#pragma omp simd reduction(+ : p_sum, more_sum, g_sum, h_sum, doubt) \
    reduction(| : no_p, no_q, beyond, far)
    for (ptrdiff_t i = start; i < end; i++) {
        double p = x->p[i], q = x->q[i], more = x->more[i], both = p + q, of_p, of_q;
        double a = fraction_of(p, &of_p), b = fraction_of(q, &of_q), k = of_q - of_p;
        int up = b > root * a, down = root * b < a, close = fabs(more) <= Z_FAR * both;
        a = up ? 2.0 * a : a;
        b = down ? 2.0 * b : b;
        k = up ? k + 1.0 : down ? k - 1.0 : k;
        double over = close ? (both > 0.0 ? both : 1.0) : b + a;
        double z = (close ? more : b - a) / over, zz = z * z;
        double bent = z * atanh_short(zz, 0), square = both * zz, tail = square * bent;
        double d = MADD(k, LOG_2, MADD(k, LOG_2_LOW, 2.0 * MADD(bent, zz, z)));
        double g = q == 0.0 ? 0.0 : p == 0.0 ? q : MADD(-p, d, more);
        double h = p == 0.0 ? 0.0 : q == 0.0 ? p : MADD(q, d, -more);
        p_sum += p;
        more_sum += more;
        g_sum += close ? MADD(tail, z, square - tail) : g;
        h_sum += close ? MADD(tail, z, square + tail) : h;
        no_p |= (p == 0.0) & (q > 0.0);
        no_q |= (q == 0.0) & (p > 0.0);
        far |= !close;
        beyond |= (!close) & (((p > 0.0) & (p < DBL_MIN)) | ((q > 0.0) & (q < DBL_MIN)));
        if (mixed)
            doubt += x->parts[i] * (close ? fabs(z) : 1.0);
    }
    row->no_p |= no_p;
    row->no_q |= no_q;
    row->beyond |= beyond;
    return (of_tile_t){p_sum, more_sum, g_sum, h_sum, doubt, far ? INFINITY : Z_FAR};
}

/* Cells most often need the form of those before. */
TEMPLATE void add_part(const shares_t *tile, ptrdiff_t start, ptrdiff_t end, const int mixed,
                       moved_t *row)
{
    of_tile_t sum = {.largest = INFINITY};
    if (row->steps == NEAR)
        sum = add_close(tile, start, end, 1, mixed);
    if (!(sum.largest <= Z_NEAR) && row->steps != ANY)
        sum = add_close(tile, start, end, 0, mixed);
    if (!(sum.largest <= Z_FAR))
        sum = add_far(tile, start, end, mixed, row);
    row->steps = sum.largest <= Z_NEAR ? NEAR : sum.largest <= Z_FAR ? SMALL : ANY;
    row->largest = sum.largest > row->largest ? sum.largest : row->largest;
    add_to(&row->p, sum.p);
    add_to(&row->more, sum.more);
    add_to(&row->g, sum.g);
    add_to(&row->h, sum.h);
    add_to(&row->doubt, sum.doubt);
}

/* Add a tile in parts, whose sums lack fewer digits; see PART. */
TEMPLATE void add_shares(const shares_t *tile, ptrdiff_t n, const int mixed, moved_t *row)
{
    for (ptrdiff_t start = 0; start < n; start += PART)
        add_part(tile, start, n - start < PART ? n : start + PART, mixed, row);
}

/* With so much doubt, roundings of a difference show: 20 * 2**-53 is 2.2e-15. */
#define MOST_DOUBT 20.0

/* Set the divergences, and return 0 where the sums lost too many digits, or left float64. */
static int from_shares(const moved_t *row, row_t *found)
{
    const double lost = 8.0;
    double p = value_of(row->p), more = value_of(row->more), y = more / p, v = -more / (p + more);
    double g = value_of(row->g) / p, h = value_of(row->h) / (p + more);
    double kl = g + log1p_less(y), reverse_kl = h + log1p_less(v);
    double least = kl < reverse_kl ? kl : reverse_kl;
    found->kl = row->no_q ? INFINITY : kl;
    found->reverse_kl = row->no_p ? INFINITY : reverse_kl;
    found->jeffreys = row->no_p || row->no_q ? INFINITY : kl + reverse_kl;
    if (!(isfinite(p) && isfinite(g) && isfinite(h)))
        return 0;
    return row->largest == 0.0 || (!row->beyond && g <= lost * kl && h <= lost * reverse_kl &&
                                   least > TINY && value_of(row->doubt) <= MOST_DOUBT * p * least);
}
