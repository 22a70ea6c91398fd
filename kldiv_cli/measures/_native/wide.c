/* Rows whose divergence a float64 holds, but not every number on the way to it: logits over T that
 * overflow, probabilities that underflow beside logarithms as large, steps as small as 1e-160. Each
 * number has an exponent of its own here, cell by cell.
 */

#include "rows.h"

#define MADD(a, b, c) ((a) * (b) + (c))
#include "elementary.template.h"

/* value * 2**exponent */
typedef struct {
    double value;
    int exponent;
} wide_t;

/* high + low, in units of 2**units. */
typedef struct {
    double high, low;
    int units;
} quotient_t;

/* Below, exp(x) is 0 beside all else: the largest step is 2**2100. */
#define NOTHING -5000.0

static wide_t widened(double value, int exponent)
{
    int own;
    wide_t found = {frexp(value, &own), exponent};
    found.exponent += value == 0.0 ? 0 : own;
    return found;
}

static wide_t times(wide_t a, wide_t b)
{
    return widened(a.value * b.value, a.exponent + b.exponent);
}

static double narrowed(wide_t x)
{
    return ldexp(x.value, x.exponent);
}

/* A sum, and its exponent, that of its largest term. */
typedef struct {
    total_t total;
    int exponent;
} sum_t;

static void add_wide(sum_t *sum, wide_t x)
{
    if (x.value == 0.0)
        return;
    if (sum->total.sum == 0.0 || x.exponent > sum->exponent) {
        int down = sum->total.sum == 0.0 ? 0 : sum->exponent - x.exponent;
        sum->total.sum = ldexp(sum->total.sum, down);
        sum->total.lost = ldexp(sum->total.lost, down);
        sum->exponent = x.exponent;
    }
    add_to(&sum->total, ldexp(x.value, x.exponent - sum->exponent));
}

static double narrow_sum(const sum_t *sum)
{
    return ldexp(value_of(sum->total), sum->exponent);
}

/* T = mantissa * 2**exponent. */
typedef struct {
    double mantissa;
    int exponent;
} divisor_t;

static divisor_t divisor_of(double temperature)
{
    divisor_t found;
    found.mantissa = frexp(temperature, &found.exponent);
    return found;
}

/* (high + low) / T, in units that keep it from overflow; low may be the larger one. */
static quotient_t quotient(double high, double low, divisor_t t)
{
    double q = high / t.mantissa, rest = (fma(-q, t.mantissa, high) + low) / t.mantissa;
    q = two_diff(q, -rest, &rest);
    if (t.exponent < 0)
        return (quotient_t){q, rest, -t.exponent};
    return (quotient_t){ldexp(q, -t.exponent), ldexp(rest, -t.exponent), 0};
}

/* The difference a - b over T. */
static quotient_t difference(double a, double b, divisor_t t)
{
    double low, high = two_diff(a, b, &low);
    return quotient(high, low, t);
}

static double narrow_quotient(quotient_t q)
{
    return ldexp(q.high, q.units);
}

/* q less the difference of two log-partitions. */
static wide_t less(quotient_t q, double shift)
{
    double x = narrow_quotient(q);
    if (fabs(x) < 0x1p1000)
        return widened((x - shift) + ldexp(q.low, q.units), 0);
    return widened(q.high, q.units);
}

/* exp(q) for q <= 0 */
static wide_t exp_of(quotient_t q)
{
    double x = narrow_quotient(q), low = ldexp(q.low, q.units);
    if (!(x > NOTHING))
        return (wide_t){0.0, 0};
    double n = nearbyint(x * 0x1.71547652b82fep+0);
    double r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33 + low;
    return widened(1.0 + (exp_tail(r) * r * r + r), (int)n);
}

/* The sums over a row or a cell: J, KL(p||q), KL(q||p), and sum(q - p). */
typedef struct {
    sum_t jeffreys, kl, reverse_kl, excess;
} sums_t;

/* Add the terms of an outcome, e = log(q / p) and m = max(p, q), as add_terms of
 * softmax_general.template.h. Beyond 2**60 and below 2**-60 they are powers of a = abs(e). */
static void add_outcome(sums_t *sums, wide_t m, wide_t e)
{
    if (m.value == 0.0 || e.value == 0.0)
        return;
    wide_t a = {fabs(e.value), e.exponent}, u = a, of_larger, of_smaller, jeffreys;
    if (a.exponent > 60) {
        u = widened(1.0, 0);
        of_larger = times(m, a);
        of_smaller = m;
    } else if (a.exponent < -60) {
        of_larger = of_smaller = times(times(m, a), widened(a.value * 0.5, a.exponent));
    } else {
        double step = narrowed(a), phi, share = -expm1_phi(-step, &phi);
        double other = step > 1.0 ? share - step * (1.0 - share) : step * share - phi;
        u = widened(share, 0);
        of_larger = times(m, widened(phi, 0));
        of_smaller = times(m, widened(other, 0));
    }
    jeffreys = times(times(m, u), a);
    wide_t difference = times(m, u);
    difference.value = e.value > 0.0 ? difference.value : -difference.value;
    add_wide(&sums->jeffreys, jeffreys);
    add_wide(&sums->kl, e.value > 0.0 ? of_smaller : of_larger);
    add_wide(&sums->reverse_kl, e.value > 0.0 ? of_larger : of_smaller);
    add_wide(&sums->excess, difference);
}

/* A row, and the largest logit of each side. */
typedef struct {
    const pair_t *pair;
    double max[2];
    divisor_t t;
} frame_t;

/* The sum of exp((x - max) / T) without the first class of the largest logit. */
static double rest_of(const frame_t *frame, int k, ptrdiff_t at)
{
    double x[TILE];
    total_t rest = {0.0, 0.0};
    for (ptrdiff_t start = 0; start < frame->pair->side[k].size; start += TILE) {
        ptrdiff_t n = tile_at(&frame->pair->side[k], start, x);
        for (ptrdiff_t i = 0; i < n; i++)
            if (start + i != at && x[i] != -INFINITY)
                add_to(&rest, narrowed(exp_of(difference(x[i], frame->max[k], frame->t))));
    }
    return value_of(rest);
}

/* The log-partitions, of which shift is the difference, and what they make of the weights. */
typedef struct {
    double shift, inverse[2];
} partitions_t;

static wide_t probability(const frame_t *frame, int k, double x, const partitions_t *of)
{
    return times(exp_of(difference(x, frame->max[k], frame->t)), widened(of->inverse[k], 0));
}

/* Add a class that both sides have. */
static void add_class(const frame_t *frame, double s, double t, const partitions_t *of,
                      sums_t *sums)
{
    double step_low, low, c_low, c = two_diff(frame->max[1], frame->max[0], &c_low);
    double high = two_diff(two_diff(t, s, &step_low), c, &low);
    wide_t e = less(quotient(high, low + (step_low - c_low), frame->t), of->shift);
    int k = e.value > 0.0;
    add_outcome(sums, probability(frame, k, k ? t : s, of), e);
}

/* Add a class that one side alone has. What the other side has of KL is its probability. */
static void add_lone(const frame_t *frame, int k, double x, const partitions_t *of, sums_t *sums)
{
    wide_t m = probability(frame, k, x, of), infinite = {INFINITY, 0};
    add_wide(k ? &sums->reverse_kl : &sums->kl, infinite);
    add_wide(&sums->jeffreys, infinite);
    add_wide(k ? &sums->kl : &sums->reverse_kl, m);
    m.value = k ? m.value : -m.value;
    add_wide(&sums->excess, m);
}

static void add_classes(const frame_t *frame, const partitions_t *of, sums_t *sums)
{
    double s[TILE], t[TILE];
    for (ptrdiff_t start = 0; start < frame->pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&frame->pair->side[0], start, s);
        tile_at(&frame->pair->side[1], start, t);
        for (ptrdiff_t i = 0; i < n; i++) {
            if (s[i] != -INFINITY && t[i] != -INFINITY)
                add_class(frame, s[i], t[i], of, sums);
            else if (s[i] != t[i])
                add_lone(frame, s[i] == -INFINITY, s[i] == -INFINITY ? t[i] : s[i], of, sums);
        }
    }
}

static void find(const sums_t *sums, row_t *found)
{
    found->jeffreys = narrow_sum(&sums->jeffreys);
    found->kl = narrow_sum(&sums->kl);
    found->reverse_kl = narrow_sum(&sums->reverse_kl);
}

/* As `general` of softmax_general.template.h. */
void wide_softmax(const pair_t *pair, const extremes_t of[2], row_t *found)
{
    frame_t frame = {pair, {of[0].max, of[1].max}, divisor_of(pair->temperature.value)};
    double rest[2] = {rest_of(&frame, 0, of[0].at), rest_of(&frame, 1, of[1].at)};
    partitions_t partitions = {log1p(rest[1]) - log1p(rest[0]),
                               {1.0 / (1.0 + rest[0]), 1.0 / (1.0 + rest[1])}};
    for (int attempt = 0; attempt < 3; attempt++) {
        sums_t sums = {0};
        add_classes(&frame, &partitions, &sums);
        find(&sums, found);
        double excess = narrow_sum(&sums.excess);
        if (excess == 0.0)
            break;
        partitions.shift += log1p(excess);
    }
}

/* log(1 + exp(-x)), and the probabilities of both outcomes, the less likely one's being exp(-x) over
 * 1 + exp(-x). */
typedef struct {
    double log_partition;
    wide_t p[2];
} cell_t;

static cell_t cell_of(double x, divisor_t t)
{
    wide_t decay = exp_of(quotient(-fabs(x), 0.0, t));
    double inverse = 1.0 / (1.0 + narrowed(decay));
    wide_t likely = widened(inverse, 0), other = times(decay, likely);
    cell_t found = {log1p(narrowed(decay)), {x < 0.0 ? likely : other, x < 0.0 ? other : likely}};
    return found;
}

/* log(q / p) of outcome k: for a step of less than 1, -log(1 + p * (exp(-step) - 1)) with p that of
 * the other outcome. */
static wide_t log_ratio(int k, double s, double t, const cell_t *of_s, const cell_t *of_t,
                        divisor_t divisor)
{
    double step = narrow_quotient(difference(k ? t : s, k ? s : t, divisor));
    if (fabs(step) < 1.0)
        return widened(-log1p(narrowed(of_s->p[!k]) * expm1(-step)), 0);
    double a = k ? fmin(t, 0.0) : -fmax(t, 0.0), b = k ? fmin(s, 0.0) : -fmax(s, 0.0);
    return less(difference(a, b, divisor), of_t->log_partition - of_s->log_partition);
}

void wide_sigmoid(const pair_t *pair, row_t *found)
{
    divisor_t divisor = divisor_of(pair->temperature.value);
    sums_t sums = {0};
    double s[TILE], t[TILE];
    for (ptrdiff_t start = 0; start < pair->side[0].size; start += TILE) {
        ptrdiff_t n = tile_at(&pair->side[0], start, s);
        tile_at(&pair->side[1], start, t);
        for (ptrdiff_t i = 0; i < n; i++) {
            if (s[i] == t[i] || isinf(s[i]) || isinf(t[i]))
                continue;
            cell_t of_s = cell_of(s[i], divisor), of_t = cell_of(t[i], divisor);
            for (int k = 0; k < 2; k++) {
                wide_t e = log_ratio(k, s[i], t[i], &of_s, &of_t, divisor);
                add_outcome(&sums, e.value > 0.0 ? of_t.p[k] : of_s.p[k], e);
            }
        }
    }
    find(&sums, found);
}
