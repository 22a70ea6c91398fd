#include "numbers.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Clang warns of each loop with a maximum of floats, since it leaves it scalar. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

/* Limbs of 32 bits hold every sum of float64, from 2**-1074 up. Each takes 2**33 at most from a
 * number, so that what a piece brings fits int64. */
#define LIMBS 68
#define PIECE 2048
#define LEAST (-1074)
#define LOWER_HALF (int64_t)UINT32_MAX

/* So many bits of each value are added up at a time: PIECE of them have a sum that float64 holds.
 * Values from HUGE_VALUES on would overflow the steps between. */
#define BITS 36
#define HUGE_VALUES 0x1p960

typedef struct {
    int64_t limbs[LIMBS];
    Py_ssize_t nan, plus_inf, minus_inf;
} sums_t;

/* What is added up: (x / scale - mean / scale) ** power, x itself where the scale is 0. */
typedef struct {
    double mean, scale;
    int power;
} change_t;

int take_numbers(PyObject *from, void *numbers)
{
    numbers_t *found = numbers;
    if (PyObject_GetBuffer(from, &found->view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) < 0)
        return 0;
    if (strcmp(found->view.format, "d") != 0) {
        PyErr_Format(PyExc_TypeError, "no float64: %s", found->view.format);
        PyBuffer_Release(&found->view);
        return 0;
    }
    found->values = found->view.buf;
    found->count = found->view.len / (Py_ssize_t)sizeof(double);
    return 1;
}

static void carry(int64_t *limbs)
{
    for (int i = 0; i + 1 < LIMBS; i++) {
        int64_t rest = limbs[i] & LOWER_HALF;
        limbs[i + 1] += (limbs[i] - rest) / ((int64_t)1 << 32);
        limbs[i] = rest;
    }
}

/* Add a number below 2**53, or take it off, in units of 2**(place - 1074). */
static void add(int64_t *limbs, uint64_t number, int place, bool negative)
{
    const uint64_t lower = (number & UINT32_MAX) << (place & 31);
    const uint64_t upper = ((number >> 32) << (place & 31)) + (lower >> 32);
    const int64_t parts[3] = {lower & UINT32_MAX, upper & UINT32_MAX, (int64_t)(upper >> 32)};
    for (int i = 0; i < 3; i++)
        limbs[(place >> 5) + i] += negative ? -parts[i] : parts[i];
}

static void add_one_by_one(sums_t *sums, const double *x, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, x + i, sizeof bits);
        const int exponent = (int)(bits >> 52 & 0x7FF);
        const uint64_t whole = (uint64_t)(exponent > 0) << 52;
        if (isfinite(x[i]))
            add(sums->limbs, (bits & (((uint64_t)1 << 52) - 1)) | whole,
                exponent > 0 ? exponent - 1 : 0, bits >> 63);
        sums->nan += isnan(x[i]) != 0;
        sums->plus_inf += x[i] == INFINITY;
        sums->minus_inf += x[i] == -INFINITY;
    }
}

/* Add up the leading bits of values below 2**top, then those behind them, until none is left.
 *
 * Adding and subtracting 1.5 * 2**(k + 52) rounds to multiples of 2**k, and what is taken off so is
 * exact, as is the sum of such multiples. */
static void add_by_digits(sums_t *sums, double *x, int count, int top)
{
    bool left = true;
    for (int k = top; left && k > LEAST;) {
        k = k - BITS > LEAST ? k - BITS : LEAST;
        const double anchor = ldexp(1.5, k + 52);
        double sum = 0, most = 0;
#pragma omp simd reduction(+ : sum) reduction(max : most)
        for (int i = 0; i < count; i++) {
            double digits = (x[i] + anchor) - anchor;
            double size = fabs(x[i] -= digits);
            sum += digits;
            most = size > most ? size : most;
        }
        left = most > 0;
        add(sums->limbs, (uint64_t)fabs(ldexp(sum, -k)), k - LEAST, sum < 0);
    }
}

static void change(const change_t *how, const double *from, double *to, int count)
{
    if (how->scale == 0) {
        memcpy(to, from, (size_t)count * sizeof *to);
        return;
    }
    const double mean = how->mean / how->scale;
    for (int i = 0; i < count; i++)
        to[i] = from[i] / how->scale - mean;
    for (int i = 0; how->power == 2 && i < count; i++)
        to[i] *= to[i];
}

static void add_up(sums_t *sums, const numbers_t *numbers, const change_t *how)
{
    double x[PIECE];
    for (Py_ssize_t start = 0; start < numbers->count; start += PIECE) {
        const Py_ssize_t left = numbers->count - start;
        const int count = left < PIECE ? (int)left : PIECE;
        change(how, numbers->values + start, x, count);
        double most = 0, nothing = 0;
        int top;
#pragma omp simd reduction(max : most) reduction(+ : nothing)
        for (int i = 0; i < count; i++) {
            double size = fabs(x[i]);
            most = size > most ? size : most;
            nothing += x[i] * 0; /* NaN for NaN and infinities */
        }
        frexp(most, &top);
        if (nothing != 0 || most >= HUGE_VALUES)
            add_one_by_one(sums, x, count);
        else
            add_by_digits(sums, x, count, top);
        carry(sums->limbs);
    }
}

static PyObject *told(const sums_t *sums)
{
    PyObject *limbs = PyTuple_New(LIMBS);
    for (int i = 0; limbs != NULL && i < LIMBS; i++) {
        PyObject *limb = PyLong_FromLongLong(sums->limbs[i]);
        if (limb == NULL)
            Py_CLEAR(limbs);
        else
            PyTuple_SET_ITEM(limbs, i, limb);
    }
    if (limbs == NULL)
        return NULL;
    return Py_BuildValue("Nnnn", limbs, sums->nan, sums->plus_inf, sums->minus_inf);
}

PyObject *exact_sum(PyObject *module, PyObject *args)
{
    (void)module;
    numbers_t x;
    change_t how = {0};
    sums_t sums = {0};
    if (!PyArg_ParseTuple(args, "O&|ddi", take_numbers, &x, &how.mean, &how.scale, &how.power))
        return NULL;
    Py_BEGIN_ALLOW_THREADS add_up(&sums, &x, &how);
    Py_END_ALLOW_THREADS PyBuffer_Release(&x.view);
    return told(&sums);
}
