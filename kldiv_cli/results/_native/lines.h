/* Rows -> lines of text. */

#ifndef KLDIV_LINES_H
#define KLDIV_LINES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A method of the module: lines(pieces, columns, blank, words, powers) -> str.
 *
 * A line is pieces[0], the cell of columns[0], pieces[1], ... and the last piece. A column is a
 * buffer of float64 or int64, or a list of str. Where the bytes of `blank` are not 0, the cells of
 * float64 hold words[0]; those of NaN, inf and -inf hold the other words. `powers` are those of
 * shortest.h. */
PyObject *write_lines(PyObject *module, PyObject *args);

#endif
