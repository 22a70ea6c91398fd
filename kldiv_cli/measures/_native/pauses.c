/* A kernel in a long row stops now and then to attend to signals, and to ask the caller. */

#include "pauses.h"

#include <setjmp.h>
#include <string.h>

#include "rows.h"

/* The call that a thread is in: the interpreter that it let go of, where to go on if it is ended, the
 * function to ask, and the exception that ended it. */
typedef struct {
    PyThreadState *held;
    jmp_buf *end;
    PyObject *asked, *error[3];
} call_t;

static _Thread_local call_t call;

void pause_after(const side_t *side, ptrdiff_t end)
{
    if (call.held == NULL)
        return;
    ptrdiff_t bytes = AT_A_STRETCH * (side->stride < 0 ? -side->stride : side->stride);
    const char *from = side->from + (side->stride < 0 ? end : end - AT_A_STRETCH) * side->stride;
    PyEval_RestoreThread(call.held);
    int ended = PyErr_CheckSignals() < 0;
    if (!ended && call.asked != NULL) {
        PyObject *said = PyObject_CallFunction(call.asked, "nn", (Py_ssize_t)from, bytes);
        ended = said == NULL;
        Py_XDECREF(said);
    }
    if (ended)
        PyErr_Fetch(&call.error[0], &call.error[1], &call.error[2]);
    call.held = PyEval_SaveThread();
    if (ended)
        longjmp(*call.end, 1);
}

int call_with_pauses(void (*run)(void *), void *of)
{
    jmp_buf end;
    call.end = &end;
    call.held = PyEval_SaveThread();
    if (setjmp(end) == 0)
        run(of);
    PyThreadState *held = call.held;
    call.held = NULL;
    PyEval_RestoreThread(held);
    if (call.error[0] == NULL)
        return 0;
    PyErr_Restore(call.error[0], call.error[1], call.error[2]);
    memset(call.error, 0, sizeof call.error);
    return -1;
}

PyObject *ask_in_pauses(PyObject *module, PyObject *asked)
{
    (void)module;
    PyObject *before = call.asked;
    call.asked = asked == Py_None ? NULL : Py_NewRef(asked);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}
