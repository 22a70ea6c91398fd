/* What a kernel is given, and what it says of a pair of rows. The same for every instruction set. */

#ifndef KLDIV_ROWS_H
#define KLDIV_ROWS_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* NaN, infinities, subnormals and the order of additions all matter here. */
#if defined(__FAST_MATH__) || defined(_M_FP_FAST)
#error "expected arithmetic as IEEE 754 has it: build without -ffast-math or /fp:fast"
#elif defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "expected NaN and infinities to be kept: build without -ffinite-math-only"
#endif

/* OpenMP lets a maximum begin at the least finite number. Clang does so, and a row of -inf alone had
 * that number for its maximum; GCC begins at -inf. Clang also warns of each loop with a maximum of
 * floats, since it leaves it scalar. */
#ifdef __clang__
#define OMP_KEEPS_INFINITIES 0
#pragma clang diagnostic ignored "-Wpass-failed"
#else
#define OMP_KEEPS_INFINITIES 1
#endif

/* The values of a row that a loop takes at a time. Its results stay in the L1 cache, and a sum
 * over a tile is short enough to keep its digits. */
#define TILE 256

/* A function whose `const int` arguments choose between forms. Inlined, each call is compiled
 * for its form alone; otherwise a loop would compute all forms and choose cell by cell. */
#ifdef __GNUC__
#define TEMPLATE static inline __attribute__((always_inline))
#else
#define TEMPLATE static inline
#endif

/* A tile that begins at a cache line: a vector of 64 bytes is read twice as slowly across two. */
#define ALIGNED _Alignas(64)

/* Rows of at most NARROW classes are computed LANES at a time, one row in each lane. */
#define NARROW 64
#define LANES 8

/* A finite logit at or below MASKED is a mask, and one above UNMASKED is not. */
#define MASKED -1e4
#define UNMASKED -1e3

/* A bound of small steps, below log(2) / 2: up to there exp(x) is one polynomial. */
#define SMALL_STEP 0.34

/* A bound of steps so close that polynomials have few terms. */
#define CLOSE_STEP 0.0624

/* A divergence below TINY, or a step of more than HUGE_STEP to a class whose probability is no
 * float64, needs numbers with wider exponents. Between the two, what underflows is not missed:
 * exp(-708) * HUGE_STEP is less than 1e-28 of TINY. */
#define TINY 1e-240
#define HUGE_STEP 1e40

enum status { COUNTED = 0, SKIPPED = 1, INVALID = 2 };

/* Widen count values to float64, exactly. */
typedef void load_function(const char *from, ptrdiff_t stride, ptrdiff_t count, double *to);

/* Set the largest and the smallest of count values. NaN is passed over. */
typedef void range_function(const char *from, ptrdiff_t stride, ptrdiff_t count, double *max,
                            double *min);

typedef struct {
    load_function *load;
    range_function *range;
} type_t;

/* One row of one side as it lies in memory. Each value counts scale times. */
typedef struct {
    const char *from;
    ptrdiff_t stride, size;
    type_t type;
    double scale;
} side_t;

/* T, and 1 / T in twice the digits. */
typedef struct {
    double value, inverse, inverse_low;
    int divides;
} temperature_t;

/* How a value of a row comes about. A value that adds terms over the outcomes near p = q is the sum of
 * p * e**2 * P(e) there, P a polynomial for abs(e) up to 1/16, and one up to log(2) / 2. */
enum form {
    JEFFREYS,
    KL,
    REVERSE_KL,
    TV,
    HELLINGER,
    MIXTURE,
    RENYI,
    LARGEST_RATIO,
    CROSS_ENTROPY,
    ENTROPY,
    ENTROPY_CANDIDATE,
    REFERENCE_PARTITION,
    CANDIDATE_PARTITION,
    STEP,
    SHIFT,
    WEIGHT,
    VARIANCE,
    LOG_REST,
    CENTRE,
    CENTRE_LOW,
    GROWTH,
    GROWTH_LOW,
    DOUBT_OF_GROWTH,
    FORMS
};

/* The forms of measures; the others are sums that losses take. */
#define MEASURES ((1u << REFERENCE_PARTITION) - 1)

/* The forms that every kernel computes of any row. */
#define DIVERGENCES_ALONE (1u << JEFFREYS | 1u << KL | 1u << REVERSE_KL)

/* What the tokens of a row take. */
#define PARTITIONS \
    (1u << REFERENCE_PARTITION | 1u << CANDIDATE_PARTITION | 1u << STEP | 1u << SHIFT)

#define MOST_PARAMETERS 6
#define MOST_TERMS 24
#define TIERS 2

typedef struct {
    enum form form;
    double parameter[MOST_PARAMETERS];
    int terms[TIERS];
    double near[TIERS][MOST_TERMS];
} value_t;

/* What is wanted of every row; `wanted` has a bit for each form among them. */
typedef struct {
    int values;
    unsigned wanted;
    value_t *value;
    double smooth; /* the weight of the uniform distribution in the candidate */
} plan_t;

typedef struct {
    side_t side[2];
    temperature_t temperature;
    int wide; /* the values fill a float64, so that their differences may be rounded */
    const plan_t *plan;
} pair_t;

/* A sum of many terms, and what its roundings lost: up to 1e-12 of a sum over 10 million
 * classes. */
typedef struct {
    double sum, lost;
} total_t;

/* What is found of a row. The values other than the three divergences stand in the order of the plan,
 * and NumPy is to compute them where they are `unsettled`. */
typedef struct {
    double jeffreys, kl, reverse_kl;
    total_t *value;
    /* log sum exp(x - max x) of each side, and log(q / p) of a class is t - s - step - shift. */
    double partition[2], step, shift;
    int64_t argmax[2];
    int64_t status, unsettled, mismatches, same, of, constant;
} row_t;

/* A row of which nothing is known. */
static inline void start_row(row_t *found)
{
    *found = (row_t){.jeffreys = NAN,
                     .kl = NAN,
                     .reverse_kl = NAN,
                     .value = found->value,
                     .partition = {NAN, NAN},
                     .step = NAN,
                     .shift = NAN};
}

/* The largest value of a row, the smallest one, the smallest finite one (low), and the place of
 * the largest. */
typedef struct {
    double max, min, low;
    ptrdiff_t at;
} extremes_t;

typedef void kernel_function(const pair_t *first, ptrdiff_t rows, const ptrdiff_t step[2],
                             row_t *found);

/* The part of a row's probability that some classes have: a byte for each says whether. */
typedef double share_function(const side_t *side, temperature_t temperature, const uint8_t *some);

/* The kernels for one instruction set. */
enum type { FLOAT16, BFLOAT16, FLOAT32, FLOAT64, TYPES };
enum mode { SOFTMAX, SIGMOID, PROBABILITIES, SMOOTHED, WEIGHTED, ODDS, MODES };

typedef struct {
    type_t type[TYPES];
    kernel_function *kernel[MODES];
    share_function *share;
} kernels_t;

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define HAVE_X86_SETS 1
#else
#define HAVE_X86_SETS 0
#endif

/* The vectors of vectors.template.h. */
#ifdef __GNUC__
#define HAVE_VECTORS 1
#else
#define HAVE_VECTORS 0
#endif

extern const kernels_t kernels_baseline;
#if HAVE_X86_SETS
extern const kernels_t kernels_avx2, kernels_avx512;
#endif

/* high + low = a - b exactly (Knuth, TAOCP 2, 4.2.2, theorem B). */
TEMPLATE double two_diff(double a, double b, double *low)
{
    double high = a - b, negated_b = high - a;
    *low = (a - (high - negated_b)) - (b + negated_b);
    return high;
}

static inline void add_to(total_t *total, double x)
{
    double sum = total->sum + x, of_x = sum - total->sum;
    total->lost += (total->sum - (sum - of_x)) + (x - of_x);
    total->sum = sum;
}

static inline double value_of(total_t total)
{
    return isfinite(total.sum) ? total.sum + total.lost : total.sum;
}

/* After so many cells of a row the caller may end it, and let go of their memory. */
#define AT_A_STRETCH ((ptrdiff_t)1 << 22)

/* In pauses.c: say that the stretch of a side that ends at a cell was read. May not return. */
void pause_after(const side_t *side, ptrdiff_t end);

static inline void pause_at(const side_t *side, ptrdiff_t start)
{
    if (start % AT_A_STRETCH == 0 && start > 0)
        pause_after(side, start);
}

static inline ptrdiff_t tile_at(const side_t *side, ptrdiff_t start, double *to)
{
    pause_at(side, start);
    ptrdiff_t count = side->size - start < TILE ? side->size - start : TILE;
    side->type.load(side->from + start * side->stride, side->stride, count, to);
    if (side->scale != 1.0)
        for (ptrdiff_t i = 0; i < count; i++)
            to[i] *= side->scale;
    return count;
}

static inline pair_t next_pair(const pair_t *pair, ptrdiff_t rows, const ptrdiff_t step[2])
{
    pair_t next = *pair;
    for (int k = 0; k < 2; k++)
        next.side[k].from += rows * step[k];
    return next;
}

/* In wide.c: the divergences of a row without NaN of which no difference overflows. Under sigmoid,
 * cells of which one side is infinite are passed over. */
void wide_softmax(const pair_t *pair, const extremes_t of[2], row_t *found);
void wide_sigmoid(const pair_t *pair, row_t *found);

#endif
