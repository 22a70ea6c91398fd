/* What a long call of a kernel owes to the interpreter. */

#ifndef KLDIV_PAUSES_H
#define KLDIV_PAUSES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Call a function without the interpreter. It ends early where a signal's handler, or the function
 * that is asked in this thread, raises an exception; -1 is returned then. */
int call_with_pauses(void (*run)(void *), void *of);

/* A method of the module. */
PyObject *ask_in_pauses(PyObject *module, PyObject *asked);

#endif
