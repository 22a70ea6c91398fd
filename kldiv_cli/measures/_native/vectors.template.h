/* Template, compiled once per instruction set (see kernels.template.h).
 *
 * VECTOR float64 at a time, by the vectors of GCC and Clang. The macros below are all that an
 * instruction set adds to them.
 */

typedef double doubles_t __attribute__((vector_size(8 * VECTOR)));
typedef int64_t longs_t __attribute__((vector_size(8 * VECTOR)));
typedef double loose_doubles_t __attribute__((vector_size(8 * VECTOR), aligned(8), may_alias));
typedef float halves_t __attribute__((vector_size(4 * VECTOR), aligned(4), may_alias));
typedef float floats_t __attribute__((vector_size(8 * VECTOR)));
typedef float loose_floats_t __attribute__((vector_size(8 * VECTOR), aligned(4), may_alias));

#define ALL(x) ((x) - (doubles_t){0})
#define DOUBLES(from) (*(const loose_doubles_t *)(from))
#define WIDENED(from) __builtin_convertvector(*(const halves_t *)(from), doubles_t)
#define FLOATS(from) (*(const loose_floats_t *)(from))
#define KEEP(to, x) (*(loose_doubles_t *)(to) = (x))

/* FMADD(a, b, c) is a * b + c. `choice_t` holds a bit or a mask for each number. */
#if VECTOR == 8
#define FMADD(a, b, c) ((doubles_t)_mm512_fmadd_pd(a, b, c))
#define UPPER(a, b) ((doubles_t)_mm512_max_pd(a, b))
#define LOWER(a, b) ((doubles_t)_mm512_min_pd(a, b))
#define LARGER(a, b) ((floats_t)_mm512_max_ps(a, b))
#define SMALLER(a, b) ((floats_t)_mm512_min_ps(a, b))
#define MAGNITUDE(x) ((doubles_t)_mm512_abs_pd(x))
#define ROOT(x) ((doubles_t)_mm512_sqrt_pd(x))
typedef __mmask8 choice_t;
#define GREATER(a, b) _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ)
#define AT_MOST(a, b) _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ)
#define CHOSEN(choice, a, b) ((doubles_t)_mm512_mask_blend_pd(choice, b, a))
#define BOTH(a, b) ((choice_t)((a) & (b)))
#define BITS(choice) ((unsigned)(choice))
#else
#if VECTOR == 4
#define FMADD(a, b, c) ((doubles_t)_mm256_fmadd_pd(a, b, c))
#define UPPER(a, b) ((doubles_t)_mm256_max_pd(a, b))
#define LOWER(a, b) ((doubles_t)_mm256_min_pd(a, b))
#define LARGER(a, b) ((floats_t)_mm256_max_ps(a, b))
#define SMALLER(a, b) ((floats_t)_mm256_min_ps(a, b))
#define ROOT(x) ((doubles_t)_mm256_sqrt_pd(x))
#define CHOSEN(choice, a, b) ((doubles_t)_mm256_blendv_pd(b, a, (doubles_t)(choice)))
#define BITS(choice) ((unsigned)_mm256_movemask_pd((doubles_t)(choice)))
#else
#if defined(__aarch64__)
#define FMADD(a, b, c) ((doubles_t)vfmaq_f64(c, a, b))
#define ROOT(x) ((doubles_t)vsqrtq_f64(x))
#elif defined(__SSE2__)
#define FMADD(a, b, c) ((a) * (b) + (c))
#define ROOT(x) ((doubles_t)_mm_sqrt_pd(x))
#else
#define FMADD(a, b, c) ((a) * (b) + (c))
static inline doubles_t ROOT(doubles_t x)
{
    for (int i = 0; i < VECTOR; i++)
        x[i] = sqrt(x[i]);
    return x;
}
#endif
#define CHOSEN(choice, a, b) ((doubles_t)(((longs_t)(a) & (choice)) | ((longs_t)(b) & ~(choice))))
static inline doubles_t UPPER(doubles_t a, doubles_t b)
{
    return CHOSEN((longs_t)(a > b), a, b);
}
static inline doubles_t LOWER(doubles_t a, doubles_t b)
{
    return CHOSEN((longs_t)(a < b), a, b);
}
static inline floats_t LARGER(floats_t a, floats_t b)
{
    return (floats_t)CHOSEN((longs_t)(a > b), (doubles_t)a, (doubles_t)b);
}
static inline floats_t SMALLER(floats_t a, floats_t b)
{
    return (floats_t)CHOSEN((longs_t)(a < b), (doubles_t)a, (doubles_t)b);
}
static inline unsigned BITS(longs_t choice)
{
    unsigned bits = 0;
    for (int i = 0; i < VECTOR; i++)
        bits |= (unsigned)(choice[i] & 1) << i;
    return bits;
}
#endif
typedef longs_t choice_t;
#define MAGNITUDE(x) ((doubles_t)((longs_t)(x) & 0x7fffffffffffffff))
#define GREATER(a, b) ((longs_t)((a) > (b)))
#define AT_MOST(a, b) ((longs_t)((a) <= (b)))
#define BOTH(a, b) ((a) & (b))
#endif

#define EVERY(choice) (BITS(choice) == (1u << VECTOR) - 1)

static inline double total(doubles_t x)
{
    double lane[VECTOR];
    KEEP(lane, x);
    for (int half = VECTOR / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

TEMPLATE doubles_t polynomial(doubles_t x, const double *coefficient, const int terms)
{
    doubles_t sum = ALL(coefficient[terms - 1]);
#pragma GCC unroll 24
    for (int k = terms - 2; k >= 0; k--)
        sum = FMADD(sum, x, ALL(coefficient[k]));
    return sum;
}

/* (exp(r) - 1 - r) / r**2 for |r| <= 1/16, to 3.2e-16, and for |r| <= log(2) / 2, to 2e-16. */
static const double short_tail[7] = {
    0x1.0000000000000p-1,  0x1.55555555557ddp-3,  0x1.5555555555045p-5, 0x1.111110fcd7117p-7,
    0x1.6c16c17c4213fp-10, 0x1.a0241ebb2c34ap-13, 0x1.a01cb591bdf0bp-16};
static const double long_tail[10] = {
    0x1.0000000000001p-1,  0x1.555555555554dp-3,  0x1.5555555553d83p-5,  0x1.1111111114448p-7,
    0x1.6c16c178812d6p-10, 0x1.a01a018c513d6p-13, 0x1.a019b931c4c6bp-16, 0x1.71de59e28f208p-19,
    0x1.28915e33b7722p-22, 0x1.aeaba1f64fe29p-26};

#if VECTOR == 8
/* 2**(k/16) in two registers. */
static const ALIGNED double sixteenths[16] = {
    0x1.0000000000000p+0, 0x1.0b5586cf9890fp+0, 0x1.172b83c7d517bp+0, 0x1.2387a6e756238p+0,
    0x1.306fe0a31b715p+0, 0x1.3dea64c123422p+0, 0x1.4bfdad5362a27p+0, 0x1.5ab07dd485429p+0,
    0x1.6a09e667f3bcdp+0, 0x1.7a11473eb0187p+0, 0x1.8ace5422aa0dbp+0, 0x1.9c49182a3f090p+0,
    0x1.ae89f995ad3adp+0, 0x1.c199bdd85529cp+0, 0x1.d5818dcfba487p+0, 0x1.ea4afa2a490dap+0};
static const double sixteenth_tail[5] = {0x1.0000000000001p-1, 0x1.55555554dd44ep-3,
                                         0x1.55555554b8b88p-5, 0x1.11120af70c8adp-7,
                                         0x1.6c181fb837993p-10};

/* exp(x) for |x| <= 700, as `exp_roughly`. */
static inline doubles_t weights(doubles_t x)
{
    const doubles_t shift = ALL(0x1.8p52);
    doubles_t z = FMADD(x, ALL(0x1.71547652b82fep+4), shift);
    doubles_t r = FMADD(shift - z, ALL(0x1.62e42fefa39efp-5), x);
    __m512i k = (__m512i)z;
    doubles_t root = _mm512_permutex2var_pd(DOUBLES(sixteenths), k, DOUBLES(sixteenths + 8));
    longs_t power = (longs_t)_mm512_slli_epi64(_mm512_srli_epi64(k, 4), 52);
    doubles_t q = polynomial(r, sixteenth_tail, 5);
    q = FMADD(FMADD(q, r, ALL(1.0)), r, ALL(1.0));
    return q * (doubles_t)((longs_t)root + power);
}
#else
static const double weight_tail[9] = {
    0x1.fffffffffff47p-2,  0x1.55555555516a1p-3,  0x1.555555557ddd0p-5,
    0x1.111111236045ep-7,  0x1.6c16c0dd0caf7p-10, 0x1.a019948775031p-13,
    0x1.a01b60c627748p-16, 0x1.72e21d9289e48p-19, 0x1.27103f733e24ap-22};

/* exp(x) for |x| <= 700, as `exp_roughly`. */
static inline doubles_t weights(doubles_t x)
{
    const doubles_t shift = ALL(0x1.8p52 + 1023);
    doubles_t z = FMADD(x, ALL(0x1.71547652b82fep+0), shift);
    doubles_t r = FMADD(shift - z, ALL(0x1.62e42fefa39efp-1), x);
    doubles_t q = polynomial(r, weight_tail, 9);
    return (doubles_t)((longs_t)z << 52) * FMADD(FMADD(q, r, ALL(1.0)), r, ALL(1.0));
}
#endif

/* exp(x) for |x| <= 700, with exp(x) - 1 in *grown and exp(x) - 1 - x without cancellation in *phi. */
static inline doubles_t grown_by(doubles_t x, doubles_t *grown, doubles_t *phi)
{
    const doubles_t shift = ALL(0x1.8p52);
    doubles_t z = FMADD(x, ALL(0x1.71547652b82fep+0), shift), turns = shift - z;
    doubles_t r = FMADD(turns, ALL(0x1.62e42fee00000p-1), x);
    r = FMADD(turns, ALL(0x1.a39ef35793c76p-33), r);
    doubles_t scale = (doubles_t)(((longs_t)z + 1023) << 52);
    doubles_t tail = scale * (polynomial(r, long_tail, 10) * r * r), high = scale - 1.0;
    *phi = high + (FMADD(scale, r, -x) + tail);
    *grown = high + FMADD(scale, r, tail);
    return scale + FMADD(scale, r, tail);
}
