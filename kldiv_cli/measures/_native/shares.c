/* shares(instruction_set, values, some, temperature, found): what part of each row's probability some
 * classes have. */

#include "plan.h"

#include "pauses.h"

enum { VALUES, SOME, FOUND, BUFFERS };

typedef struct {
    const kernels_t *kernels;
    type_t type;
    temperature_t temperature;
    Py_buffer of[BUFFERS];
} share_call;

static void run(void *of)
{
    const share_call *call = of;
    const Py_buffer *values = &call->of[VALUES];
    double *found = call->of[FOUND].buf;
    for (Py_ssize_t row = 0; row < values->shape[0]; row++) {
        const side_t side = {(char *)values->buf + row * values->strides[0], values->strides[1],
                             values->shape[1], call->type, 1.0};
        found[row] = call->kernels->share(&side, call->temperature, call->of[SOME].buf);
    }
}

static int share_rows(share_call *call)
{
    const Py_buffer *of = call->of;
    if (of[VALUES].ndim != 2 || of[SOME].len != of[VALUES].shape[1] ||
        of[FOUND].len != of[VALUES].shape[0] * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_ValueError, "expected arrays of fitting shapes");
        return -1;
    }
    int type = type_of_buffer(&of[VALUES]);
    if (type < 0)
        return -1;
    call->type = call->kernels->type[type];
    return call_with_pauses(run, call);
}

PyObject *shares(PyObject *module, PyObject *args)
{
    static const int flags[BUFFERS] = {PyBUF_STRIDES | PyBUF_FORMAT, PyBUF_C_CONTIGUOUS,
                                       PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE};
    (void)module;
    const char *name;
    double temperature;
    PyObject *given[BUFFERS];
    if (!PyArg_ParseTuple(args, "sOOdO", &name, &given[VALUES], &given[SOME], &temperature,
                          &given[FOUND]))
        return NULL;
    int set = set_of_name(name);
    if (set < 0)
        return NULL;
    share_call call = {.kernels = sets[set].kernels, .temperature = temperature_of(temperature)};
    int taken = 0, failed = 0;
    while (taken < BUFFERS && !failed) {
        failed = PyObject_GetBuffer(given[taken], &call.of[taken], flags[taken]) < 0;
        taken += !failed;
    }
    failed = failed || share_rows(&call) < 0;
    while (taken > 0)
        PyBuffer_Release(&call.of[--taken]);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}
