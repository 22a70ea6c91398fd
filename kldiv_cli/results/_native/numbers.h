/* What a float64 of every row comes to. The methods of the module, each of a buffer of float64. */

#ifndef KLDIV_NUMBERS_H
#define KLDIV_NUMBERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    Py_buffer view;
    const double *values;
    Py_ssize_t count;
} numbers_t;

/* Take a contiguous buffer of float64, to be let go by PyBuffer_Release; an "O&" of arguments. */
int take_numbers(PyObject *from, void *numbers);

/* exact_sum(x, mean, scale, power) -> (limbs, nan, plus_inf, minus_inf).
 *
 * The sum of the finite ones of (x / scale - mean / scale) ** power, which is 1 or 2, or of x where
 * it stands alone, is sum limbs[i] * 2**(32 i - 1074). The others are counted. */
PyObject *exact_sum(PyObject *module, PyObject *args);

/* around(x, low, high, ranks) -> (values, ranks), or None where these would take much memory.
 *
 * The values, a bytearray of float64, are some of x, and sorting them would put at the second ranks
 * what sorting x puts at the first ones, which ascend. None is NaN, and low and high are the least
 * and the largest of x. */
PyObject *around(PyObject *module, PyObject *args);

/* top(x, counted, keep) -> the places of the `keep` first rows in order: those that count and are
 * NaN, those that count by value, the largest first, and the others; equals by place. */
PyObject *top(PyObject *module, PyObject *args);

#endif
