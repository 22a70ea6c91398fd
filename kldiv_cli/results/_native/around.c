/* What lies around some places of the order: one look at the values counts how many lie in each of
 * many bins, and one takes those of the few bins that hold a wanted place. The bins are equal in
 * the bits of the values, which ascend with them, from the least to the largest. */

#include "numbers.h"

#include <stdbool.h>
#include <string.h>

#define BINS ((size_t)1 << 14)
#define PIECE 512
/* A copy of more than one of so many values takes too much memory. */
#define SHARE 8

typedef struct {
    uint64_t low;
    int shift;
    uint32_t *counts;
    bool *wanted;
} bins_t;

/* An unsigned number that ascends with the value; both zeros are one. */
static inline uint64_t key_of(double x)
{
    uint64_t bits;
    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ ((uint64_t)((int64_t)bits >> 63) | (uint64_t)1 << 63);
}

/* The bins of some values, which the compiler computes several at a time. */
static int find_bins(const bins_t *bins, const numbers_t *x, Py_ssize_t start, uint32_t *found)
{
    const Py_ssize_t left = x->count - start;
    const int count = left < PIECE ? (int)left : PIECE;
    for (int i = 0; i < count; i++) {
        const uint64_t bin = (key_of(x->values[start + i]) - bins->low) >> bins->shift;
        found[i] = (uint32_t)bin & (BINS - 1); /* of ends that are wrong, too */
    }
    return count;
}

/* Choose the bins that hold wanted places, and turn these into places among what the bins hold;
 * return how many values that are. */
static Py_ssize_t choose(bins_t *bins, Py_ssize_t *ranks, Py_ssize_t count)
{
    Py_ssize_t seen = 0, taken = 0, next = 0;
    for (size_t bin = 0; bin < BINS && next < count; bin++) {
        Py_ssize_t end = seen + bins->counts[bin];
        for (; next < count && ranks[next] < end; next++) {
            bins->wanted[bin] = true;
            ranks[next] -= seen - taken;
        }
        taken += bins->wanted[bin] ? bins->counts[bin] : 0;
        seen = end;
    }
    return taken;
}

static void count_all(const bins_t *bins, const numbers_t *x)
{
    uint32_t found[PIECE];
    for (Py_ssize_t start = 0; start < x->count; start += PIECE) {
        const int count = find_bins(bins, x, start, found);
        for (int i = 0; i < count; i++)
            bins->counts[found[i]]++;
    }
}

static void take(const bins_t *bins, const numbers_t *x, double *to)
{
    uint32_t found[PIECE];
    for (Py_ssize_t start = 0; start < x->count; start += PIECE) {
        const int count = find_bins(bins, x, start, found);
        for (int i = 0; i < count; i++)
            if (bins->wanted[found[i]])
                *to++ = x->values[start + i];
    }
}

static PyObject *found_around(bins_t *bins, const numbers_t *x, Py_ssize_t *ranks, Py_ssize_t count)
{
    Py_ssize_t taken;
    Py_BEGIN_ALLOW_THREADS count_all(bins, x);
    taken = choose(bins, ranks, count);
    Py_END_ALLOW_THREADS if (taken > x->count / SHARE) Py_RETURN_NONE;
    PyObject *values = PyByteArray_FromStringAndSize(NULL, taken * (Py_ssize_t)sizeof(double));
    if (values == NULL)
        return NULL;
    double *to = (double *)(void *)PyByteArray_AS_STRING(values);
    Py_BEGIN_ALLOW_THREADS take(bins, x, to);
    Py_END_ALLOW_THREADS PyObject *places = PyTuple_New(count);
    for (Py_ssize_t i = 0; places != NULL && i < count; i++) {
        PyObject *place = PyLong_FromSsize_t(ranks[i]);
        if (place == NULL)
            Py_CLEAR(places);
        else
            PyTuple_SET_ITEM(places, i, place);
    }
    if (places == NULL) {
        Py_DECREF(values);
        return NULL;
    }
    return Py_BuildValue("NN", values, places);
}

/* Read places that ascend and lie within the values. */
static int read_ranks(PyObject *from, Py_ssize_t most, Py_ssize_t *ranks)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(from); i++) {
        ranks[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(from, i));
        if (ranks[i] == -1 && PyErr_Occurred())
            return -1;
        if (ranks[i] < (i ? ranks[i - 1] : 0) || ranks[i] >= most) {
            PyErr_SetString(PyExc_ValueError, "no places that ascend");
            return -1;
        }
    }
    return 0;
}

PyObject *around(PyObject *module, PyObject *args)
{
    (void)module;
    numbers_t x;
    double low, high;
    PyObject *wanted, *found = NULL;
    if (!PyArg_ParseTuple(args, "O&ddO!", take_numbers, &x, &low, &high, &PyTuple_Type, &wanted))
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(wanted);
    Py_ssize_t *ranks = PyMem_Calloc((size_t)count + 1, sizeof *ranks);
    bins_t bins = {key_of(low), 0, PyMem_Calloc(BINS, sizeof *bins.counts),
                   PyMem_Calloc(BINS, sizeof *bins.wanted)};
    while ((key_of(high) - bins.low) >> bins.shift >= BINS)
        bins.shift++;
    if (ranks == NULL || bins.counts == NULL || bins.wanted == NULL)
        PyErr_NoMemory();
    else if (read_ranks(wanted, x.count, ranks) == 0)
        found = found_around(&bins, &x, ranks, count);
    PyMem_Free(bins.wanted);
    PyMem_Free(bins.counts);
    PyMem_Free(ranks);
    PyBuffer_Release(&x.view);
    return found;
}
