#include "numbers.h"

#include <math.h>
#include <string.h>

typedef struct {
    double value;
    Py_ssize_t row;
    enum { UNDEFINED, DEFINED, UNCOUNTED } class;
} place_t;

static int comes_before(const place_t *a, const place_t *b)
{
    if (a->class != b->class)
        return a->class < b->class;
    return a->class == DEFINED && a->value > b->value;
}

/* The rows come in their order, so that of equals the one that is there stays first. */
static Py_ssize_t find_top(const numbers_t *x, const char *counted, Py_ssize_t keep, place_t *first)
{
    Py_ssize_t found = 0;
    double bar = NAN; /* most rows are not above it */
    for (Py_ssize_t row = 0; row < x->count; row++) {
        if (x->values[row] <= bar)
            continue;
        place_t here = {x->values[row], row, DEFINED};
        if (!counted[row])
            here.class = UNCOUNTED;
        else if (isnan(here.value))
            here.class = UNDEFINED;
        if (found == keep && !comes_before(&here, &first[keep - 1]))
            continue;
        Py_ssize_t at = found < keep ? found++ : keep - 1;
        for (; at > 0 && comes_before(&here, &first[at - 1]); at--)
            first[at] = first[at - 1];
        first[at] = here;
        if (found == keep && first[keep - 1].class == DEFINED)
            bar = first[keep - 1].value;
    }
    return found;
}

static PyObject *rows_of(const place_t *first, Py_ssize_t count)
{
    PyObject *rows = PyList_New(count);
    for (Py_ssize_t i = 0; rows != NULL && i < count; i++) {
        PyObject *row = PyLong_FromSsize_t(first[i].row);
        if (row == NULL)
            Py_CLEAR(rows);
        else
            PyList_SET_ITEM(rows, i, row);
    }
    return rows;
}

PyObject *top(PyObject *module, PyObject *args)
{
    (void)module;
    numbers_t x;
    Py_buffer counted;
    Py_ssize_t keep;
    PyObject *found = NULL;
    if (!PyArg_ParseTuple(args, "O&y*n", take_numbers, &x, &counted, &keep))
        return NULL;
    keep = keep < 0 ? 0 : keep > x.count ? x.count : keep;
    place_t *first = PyMem_Calloc((size_t)keep + 1, sizeof *first);
    if (first == NULL)
        PyErr_NoMemory();
    else if (counted.len != x.count)
        PyErr_SetString(PyExc_ValueError, "values and flags of several lengths");
    else
        found = rows_of(first, keep == 0 ? 0 : find_top(&x, counted.buf, keep, first));
    PyMem_Free(first);
    PyBuffer_Release(&counted);
    PyBuffer_Release(&x.view);
    return found;
}
