/* What a long call of a kernel owes to the interpreter. */

#ifndef KLDIV_PAUSES_H
#define KLDIV_PAUSES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <numpy/ndarraytypes.h>

typedef void loop_function(char **args, const npy_intp *dimensions, const npy_intp *steps,
                           void *data);

/* Call a loop without the interpreter. It ends early where a signal's handler, or the function that
 * is asked in this thread, raises an exception. */
void call_with_pauses(loop_function *loop, char **args, const npy_intp *dimensions,
                      const npy_intp *steps, void *data);

/* Methods of the module. */
PyObject *check_call(PyObject *module, PyObject *unused);
PyObject *ask_in_pauses(PyObject *module, PyObject *asked);

#endif
