/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * The second pass over a row: with p and e = log(q / p) of each class known, every divergence is a sum
 * of terms that are >= 0, and none cancels.
 */

/* The sums over some classes, times the W of the first pass: of the terms of KL(p||q), KL(q||p),
 * abs(p - q) and q - p. */
typedef struct {
    double kl, reverse_kl, distance, excess;
} row_terms_t;

/* Which of them are added up. */
enum extent { NO_SUMS, DISTANCES, ALL_SUMS };

/* What the values that are sums of p * e**2 * P(e) need of a tile: v = p * e**2 and e where e is small,
 * both 0 elsewhere; and the outcomes there. */
typedef struct {
    ALIGNED double v[CLOSE_TILE], e[CLOSE_TILE];
    outcomes_t far;
} shared_t;

typedef struct {
    doubles_t kl, reverse_kl, distance, excess;
} lanes_of_terms_t;

TEMPLATE void near_outcome(doubles_t w, doubles_t e, const int tier, const int extent,
                           lanes_of_terms_t *sum, doubles_t *v)
{
    doubles_t we = w * e;
    *v = we * e;
    if (extent == NO_SUMS)
        return;
    doubles_t wphi =
        *v * (tier == NEAR_TIER ? polynomial(e, short_tail, 7) : polynomial(e, long_tail, 10));
    doubles_t wu = we + wphi;
    sum->distance += MAGNITUDE(wu);
    sum->excess += wu;
    if (extent == DISTANCES)
        return;
    sum->kl += wphi;
    sum->reverse_kl += FMADD(wphi, e, *v) - wphi;
}

/* Put away the outcomes that are chosen. */
TEMPLATE void put_away(outcomes_t *far, choice_t out, doubles_t x, doubles_t e)
{
#if VECTOR == 8
    _mm512_storeu_pd(far->x + far->n, _mm512_maskz_compress_pd(out, x));
    _mm512_storeu_pd(far->e + far->n, _mm512_maskz_compress_pd(out, e));
    far->n += __builtin_popcount(out);
#else
    unsigned bits = BITS(out);
    for (int i = 0; bits != 0 && i < VECTOR; i++) {
        far->x[far->n] = x[i];
        far->e[far->n] = e[i];
        far->n += bits >> i & 1;
    }
#endif
}

/* Add what was put away, and set m, as `add_terms` of softmax_general.template.h. */
static void add_far_outcomes(outcomes_t *far, row_terms_t *terms)
{
    const doubles_t zero = ALL(0.0);
    doubles_t kl = zero, reverse_kl = zero, distance = zero, excess = zero;
    for (ptrdiff_t i = 0; i < far->n; i += VECTOR) {
        doubles_t x = DOUBLES(far->x + i), e = DOUBLES(far->e + i), a = MAGNITUDE(e), grown, phi;
        doubles_t decay = grown_by(-a, &grown, &phi), u = -grown;
        choice_t p_larger = AT_MOST(e, zero);
        doubles_t m = weights(x + UPPER(e, zero)), mu = m * u, of_larger = m * phi;
        doubles_t of_smaller = m * CHOSEN(GREATER(a, ALL(1.0)), u - a * decay, a * u - phi);
        kl += CHOSEN(p_larger, of_larger, of_smaller);
        reverse_kl += CHOSEN(p_larger, of_smaller, of_larger);
        distance += mu;
        excess += CHOSEN(p_larger, -mu, mu);
        KEEP(far->m + i, m);
    }
    terms->kl += total(kl);
    terms->reverse_kl += total(reverse_kl);
    terms->distance += total(distance);
    terms->excess += total(excess);
}

/* Let the last vector end with outcomes that add nothing. */
static void fill_up(outcomes_t *far)
{
    for (int i = 0; i < VECTOR; i++) {
        far->x[far->n + i] = -DEEPEST;
        far->e[far->n + i] = 0.0;
    }
}

/* What of a row's second pass is the same for all its tiles: e is d less shift + shift_low. */
typedef struct {
    origin_t origin;
    double shift, shift_low;
} step_t;

TEMPLATE row_terms_t terms_of_view(const view_t *view, const step_t *step, const int narrow,
                                   const int tier, const int extent, const int shares,
                                   shared_t *shared)
{
    const doubles_t zero = ALL(0.0);
    lanes_of_terms_t sum[2] = {{zero, zero, zero, zero}, {zero, zero, zero, zero}};
    for (ptrdiff_t i = 0; i < view->n; i += 2 * VECTOR) {
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            doubles_t x, d, v;
            place(view, i + k * VECTOR, &step->origin, narrow, 0, &x, &d);
            doubles_t e = (d - step->shift) - step->shift_low, w = weights(x);
            if (tier == ANY_TIER) {
                choice_t out = GREATER(MAGNITUDE(e), ALL(LONG_STEP));
                put_away(&shared->far, out, x, e);
                w = CHOSEN(out, zero, w);
                e = CHOSEN(out, zero, e);
            }
            near_outcome(w, e, tier, extent, &sum[k], &v);
            if (shares) {
                KEEP(shared->v + i + k * VECTOR, v);
                KEEP(shared->e + i + k * VECTOR, e);
            }
        }
    }
    row_terms_t found = {total(sum[0].kl + sum[1].kl), total(sum[0].reverse_kl + sum[1].reverse_kl),
                         total(sum[0].distance + sum[1].distance),
                         total(sum[0].excess + sum[1].excess)};
    if (tier == ANY_TIER) {
        fill_up(&shared->far);
        add_far_outcomes(&shared->far, &found);
    }
    return found;
}

typedef row_terms_t terms_function(const view_t *view, const step_t *step, enum extent extent,
                                   int shares, shared_t *shared);

/* Without sums there are shares. */
#define TERMS_OF_VIEW(name, narrow, tier) \
    static row_terms_t name(const view_t *view, const step_t *step, enum extent extent, \
                            int shares, shared_t *shared) \
    { \
        if (extent == NO_SUMS) \
            return terms_of_view(view, step, narrow, tier, NO_SUMS, 1, shared); \
        if (extent == DISTANCES && shares) \
            return terms_of_view(view, step, narrow, tier, DISTANCES, 1, shared); \
        if (extent == DISTANCES) \
            return terms_of_view(view, step, narrow, tier, DISTANCES, 0, shared); \
        if (shares) \
            return terms_of_view(view, step, narrow, tier, ALL_SUMS, 1, shared); \
        return terms_of_view(view, step, narrow, tier, ALL_SUMS, 0, shared); \
    }

TERMS_OF_VIEW(terms_of_floats_near, 1, NEAR_TIER)
TERMS_OF_VIEW(terms_of_floats_further, 1, FURTHER_TIER)
TERMS_OF_VIEW(terms_of_doubles_near, 0, NEAR_TIER)
TERMS_OF_VIEW(terms_of_doubles_further, 0, FURTHER_TIER)
TERMS_OF_VIEW(terms_of_floats_any, 1, ANY_TIER)
TERMS_OF_VIEW(terms_of_doubles_any, 0, ANY_TIER)

static terms_function *function_of_terms(int narrow, enum tier tier)
{
    static terms_function *const functions[2][3] = {
        {terms_of_doubles_near, terms_of_doubles_further, terms_of_doubles_any},
        {terms_of_floats_near, terms_of_floats_further, terms_of_floats_any}};
    return functions[narrow][tier];
}
