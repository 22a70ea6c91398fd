#include "plan.h"

#include <string.h>

#include "pauses.h"

#define AT_ONCE 64

/* The integers that a call gives of every row: a field of row_t each. Their names and order stand
 * here and nowhere else. */
const char *const names_of_counts[COUNTS] = {
    "reference_argmax", "candidate_argmax",
    "status",           "unsettled",
    "mismatches",       "same",
    "constant",         "of",
};

static const size_t places_of_counts[COUNTS] = {
    offsetof(row_t, argmax[0]), offsetof(row_t, argmax[1]),  offsetof(row_t, status),
    offsetof(row_t, unsettled), offsetof(row_t, mismatches), offsetof(row_t, same),
    offsetof(row_t, constant),  offsetof(row_t, of),
};

typedef struct {
    PyObject ob_base;
    const kernels_t *kernels;
    kernel_function *kernel;
    temperature_t temperature;
    plan_t plan;
} plan_object;

/* Fill in a value from (form, parameters, near, further), or raise an exception and return -1. */
static int fill_value(PyObject *row, value_t *value)
{
    const char *name;
    PyObject *parameters, *near[TIERS];
    if (!PyArg_ParseTuple(row, "sOOO", &name, &parameters, &near[0], &near[1]))
        return -1;
    int form = place_of_name("form", name, names_of_forms, FORMS);
    if (form < 0 || copy_numbers(parameters, MOST_PARAMETERS, value->parameter) < 0)
        return -1;
    value->form = (enum form)form;
    for (int tier = 0; tier < TIERS; tier++) {
        value->terms[tier] = copy_numbers(near[tier], MOST_TERMS, value->near[tier]);
        if (value->terms[tier] < 0)
            return -1;
    }
    return 0;
}

static int fill_values(PyObject *rows, plan_t *plan)
{
    PyObject *fast = PySequence_Fast(rows, "expected a sequence of values");
    if (fast == NULL)
        return -1;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(fast);
    int failed = 0;
    plan->value = PyMem_Calloc((size_t)count + 1, sizeof *plan->value);
    if (plan->value == NULL) {
        PyErr_NoMemory();
        failed = -1;
    }
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        failed = fill_value(PySequence_Fast_GET_ITEM(fast, i), &plan->value[i]);
        plan->wanted |= 1u << plan->value[i].form;
    }
    plan->values = (int)count;
    Py_DECREF(fast);
    return failed;
}

static PyObject *new_plan(PyTypeObject *type, PyObject *args, PyObject *named)
{
    static char *names[] = {"instruction_set", "mode", "temperature", "smooth", "values", NULL};
    const char *wanted, *mode;
    double temperature, smooth;
    PyObject *values;
    if (!PyArg_ParseTupleAndKeywords(args, named, "ssddO", names, &wanted, &mode, &temperature,
                                     &smooth, &values))
        return NULL;
    int set = set_of_name(wanted);
    int of_mode = set < 0 ? -1 : place_of_name("mode", mode, names_of_modes, MODES);
    if (of_mode < 0)
        return NULL;
    plan_object *made = (plan_object *)type->tp_alloc(type, 0);
    if (made == NULL)
        return NULL;
    made->kernels = sets[set].kernels;
    made->kernel = made->kernels->kernel[of_mode];
    made->temperature = temperature_of(temperature);
    made->plan.smooth = smooth;
    if (fill_values(values, &made->plan) < 0)
        Py_CLEAR(made);
    return (PyObject *)made;
}

static void end_plan(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(((plan_object *)self)->plan.value);
    type->tp_free(self);
    Py_DECREF(type);
}

/* A call: both blocks, and where what is found of them goes. */
enum { REFERENCE, CANDIDATE, VALUES, COUNTED_OF_ROWS, BUFFERS };

typedef struct {
    const plan_object *plan;
    Py_buffer of[BUFFERS];
    type_t type[2];
    int wide;
    total_t *scratch;
} call_t;

/* Set the type of a side, or raise an exception and return -1. */
static int find_type(call_t *call, int k)
{
    int type = type_of_buffer(&call->of[k]);
    if (type < 0)
        return -1;
    call->type[k] = call->plan->kernels->type[type];
    call->wide |= type == FLOAT64;
    return 0;
}

static int find_types(call_t *call)
{
    const Py_buffer *of = call->of;
    for (int i = 0; i < BUFFERS; i++)
        if (of[i].ndim != 2) {
            PyErr_SetString(PyExc_ValueError, "expected arrays of two axes");
            return -1;
        }
    Py_ssize_t rows = of[REFERENCE].shape[0];
    if (of[CANDIDATE].shape[0] != rows || of[CANDIDATE].shape[1] != of[REFERENCE].shape[1] ||
        of[VALUES].shape[0] != call->plan->plan.values || of[VALUES].shape[1] != rows ||
        of[COUNTED_OF_ROWS].shape[0] != COUNTS || of[COUNTED_OF_ROWS].shape[1] != rows) {
        PyErr_SetString(PyExc_ValueError, "expected arrays of fitting shapes");
        return -1;
    }
    return find_type(call, REFERENCE) < 0 ? -1 : find_type(call, CANDIDATE);
}

static double value_in(const row_t *found, const value_t *value, int at)
{
    switch (value->form) {
    case JEFFREYS:
        return found->jeffreys;
    case KL:
        return found->kl;
    case REVERSE_KL:
        return found->reverse_kl;
    case REFERENCE_PARTITION:
        return found->partition[0];
    case CANDIDATE_PARTITION:
        return found->partition[1];
    case STEP:
        return found->step;
    case SHIFT:
        return found->shift;
    default:
        return value_of(found->value[at]);
    }
}

static void put(const call_t *call, Py_ssize_t row, const row_t *found)
{
    const Py_buffer *values = &call->of[VALUES], *counts = &call->of[COUNTED_OF_ROWS];
    const plan_t *plan = &call->plan->plan;
    for (int i = 0; i < plan->values; i++) {
        double value = value_in(found, &plan->value[i], i);
        memcpy((char *)values->buf + i * values->strides[0] + row * values->strides[1], &value,
               sizeof value);
    }
    for (int i = 0; i < COUNTS; i++)
        memcpy((char *)counts->buf + i * counts->strides[0] + row * counts->strides[1],
               (const char *)found + places_of_counts[i], sizeof(int64_t));
}

static void measure(void *of)
{
    const call_t *call = of;
    const Py_buffer *s = &call->of[REFERENCE], *t = &call->of[CANDIDATE];
    const ptrdiff_t rows = s->shape[0], classes = s->shape[1];
    const ptrdiff_t step[2] = {s->strides[0], t->strides[0]};
    row_t found[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++)
        found[i].value = call->scratch + i * call->plan->plan.values;
    for (ptrdiff_t row = 0; row < rows; row += AT_ONCE) {
        ptrdiff_t count = rows - row < AT_ONCE ? rows - row : AT_ONCE;
        const pair_t first = {
            .side = {{(char *)s->buf + row * step[0], s->strides[1], classes, call->type[0], 1.0},
                     {(char *)t->buf + row * step[1], t->strides[1], classes, call->type[1], 1.0}},
            .temperature = call->plan->temperature,
            .wide = call->wide,
            .plan = &call->plan->plan,
        };
        if (classes > 0)
            call->plan->kernel(&first, count, step, found);
        for (ptrdiff_t i = 0; i < count; i++) {
            if (classes == 0) { /* a row without classes has nothing to compare */
                start_row(&found[i]);
                found[i].status = SKIPPED;
            }
            put(call, row + i, &found[i]);
        }
    }
}

/* Other threads go on meanwhile where there are more cells. */
#define WORTH_LETTING_GO 10000

static int run_call(call_t *call)
{
    if (find_types(call) < 0)
        return -1;
    size_t values = (size_t)call->plan->plan.values * AT_ONCE;
    call->scratch = PyMem_Calloc(values + 1, sizeof(total_t));
    if (call->scratch == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    const Py_ssize_t *shape = call->of[REFERENCE].shape;
    int ended = 0;
    if ((double)shape[0] * (double)shape[1] <= WORTH_LETTING_GO)
        measure(call);
    else
        ended = call_with_pauses(measure, call);
    PyMem_Free(call->scratch);
    return ended;
}

static PyObject *call_plan(PyObject *self, PyObject *args, PyObject *named)
{
    static char *names[] = {"s", "t", "values", "counts", NULL};
    call_t call = {.plan = (plan_object *)self};
    PyObject *given[BUFFERS];
    if (!PyArg_ParseTupleAndKeywords(args, named, "OOOO", names, &given[0], &given[1], &given[2],
                                     &given[3]))
        return NULL;
    int taken = 0, failed = 0;
    while (taken < BUFFERS && !failed) {
        int flags = PyBUF_STRIDES | PyBUF_FORMAT | (taken >= VALUES ? PyBUF_WRITABLE : 0);
        failed = PyObject_GetBuffer(given[taken], &call.of[taken], flags) < 0;
        taken += !failed;
    }
    failed = failed || run_call(&call) < 0;
    while (taken > 0)
        PyBuffer_Release(&call.of[--taken]);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyType_Slot slots_of_plan[] = {
    {Py_tp_new, new_plan},
    {Py_tp_dealloc, end_plan},
    {Py_tp_call, call_plan},
    {Py_tp_doc, "What is computed of every pair of rows: plan(s, t, values, counts) fills both."},
    {0, NULL},
};

PyType_Spec plan_type = {
    .name = "kldiv_cli.measures._native._kernels.Plan",
    .basicsize = sizeof(plan_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots_of_plan,
};
