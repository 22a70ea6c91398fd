/* The kernels as NumPy generalized ufuncs: (classes),(classes),() -> () for each output.
 *
 * Importing the module needs no NumPy. `instruction_sets` names what the processor can run, the
 * fastest last; `outputs` names the outputs of every ufunc in their order; and
 * `kernels(instruction_set)` makes the ufuncs.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#include "pauses.h"
#include "rows.h"

#define INPUTS 3
#define OUTPUTS 10
#define AT_ONCE 64

/* One output of the ufuncs: a field of row_t. The order, names and types of the outputs stand here
 * and nowhere else. */
typedef struct {
    const char *name;
    char type;
    size_t at;
} output_t;

static const output_t outputs[OUTPUTS] = {
    {"jeffreys", NPY_DOUBLE, offsetof(row_t, jeffreys)},
    {"kl", NPY_DOUBLE, offsetof(row_t, kl)},
    {"reverse_kl", NPY_DOUBLE, offsetof(row_t, reverse_kl)},
    {"reference_argmax", NPY_INT64, offsetof(row_t, argmax[0])},
    {"candidate_argmax", NPY_INT64, offsetof(row_t, argmax[1])},
    {"status", NPY_INT64, offsetof(row_t, status)},
    {"mismatches", NPY_INT64, offsetof(row_t, mismatches)},
    {"same", NPY_INT64, offsetof(row_t, same)},
    {"of", NPY_INT64, offsetof(row_t, of)},
    {"constant", NPY_INT64, offsetof(row_t, constant)},
};

/* Every field takes as many bytes, and none is left out. */
#define FIELD sizeof(int64_t)
_Static_assert(sizeof(double) == FIELD && sizeof(row_t) == OUTPUTS * FIELD, "an output per field");

/* What this processor can run, the fastest last. */
typedef struct {
    const char *name;
    const kernels_t *kernels;
} set_t;

#define MOST_SETS 3

static set_t sets[MOST_SETS] = {{"baseline", &kernels_baseline}};
static int sets_found = 1;

static void find_sets(void)
{
    sets_found = 1;
#if HAVE_X86_SETS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[sets_found++] = (set_t){"AVX2", &kernels_avx2};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        sets[sets_found++] = (set_t){"AVX-512", &kernels_avx512};
#endif
}

typedef struct {
    kernel_function *kernel;
    type_t type;
    int wide;
} variant_t;

static const char types[TYPES] = {NPY_HALF, NPY_UINT16, NPY_FLOAT, NPY_DOUBLE};

static temperature_t temperature_of(double t)
{
    temperature_t found = {t, 1.0 / t, 0.0, t != 1.0};
    /* 1 - t * inverse, exact: the remainder of a division fits a float64. */
    found.inverse_low = fma(-t, found.inverse, 1.0) / t;
    return found;
}

static void put(char **to, const npy_intp *steps, npy_intp row, const row_t *found)
{
    for (int i = 0; i < OUTPUTS; i++)
        memcpy(to[i] + row * steps[i], (const char *)found + outputs[i].at, FIELD);
}

/* A row without classes has nothing to compare. */
static void skip(row_t *found, npy_intp count)
{
    for (npy_intp i = 0; i < count; i++)
        found[i] = (row_t){.jeffreys = NAN, .kl = NAN, .reverse_kl = NAN, .status = SKIPPED};
}

static void measure(char **args, const npy_intp *dimensions, const npy_intp *steps, void *data)
{
    const variant_t *variant = data;
    const npy_intp rows = dimensions[0], classes = dimensions[1];
    const npy_intp *strides = steps + INPUTS + OUTPUTS;
    const ptrdiff_t step[2] = {steps[0], steps[1]};
    row_t found[AT_ONCE];
    npy_intp row = 0;
    while (row < rows) {
        double t;
        memcpy(&t, args[2] + row * steps[2], sizeof t);
        npy_intp count = rows - row < AT_ONCE ? rows - row : AT_ONCE;
        if (steps[2] != 0)
            count = 1;
        pair_t first = {
            .side = {{args[0] + row * step[0], strides[0], classes, variant->type, 1.0},
                     {args[1] + row * step[1], strides[1], classes, variant->type, 1.0}},
            .temperature = temperature_of(t),
            .wide = variant->wide,
        };
        if (classes > 0)
            variant->kernel(&first, count, step, found);
        else
            skip(found, count);
        for (npy_intp i = 0; i < count; i++)
            put(args + INPUTS, steps + INPUTS, row + i, &found[i]);
        row += count;
    }
}

/* NumPy lets go of the interpreter only where there are more than 500 rows, however long they are. */
#define WORTH_LETTING_GO 10000

static void loop(char **args, const npy_intp *dimensions, const npy_intp *steps, void *data)
{
    if ((double)dimensions[0] * (double)dimensions[1] <= WORTH_LETTING_GO || !PyGILState_Check()) {
        measure(args, dimensions, steps, data);
        return;
    }
    call_with_pauses(measure, args, dimensions, steps, data);
}

static const char *const names[KERNELS_IN_ALL] = {"softmax", "sigmoid_jeffreys", "sigmoid"};
static const char *const docs[KERNELS_IN_ALL] = {
    "The divergences of rows as categorical distributions.",
    "The Jeffreys divergence alone, summed over Bernoulli cells; both KL are 0.",
    "The divergences summed over Bernoulli cells.",
};

/* NumPy keeps pointers to all of these. */
static variant_t variants[MOST_SETS][KERNELS_IN_ALL][TYPES];
static void *pointers[MOST_SETS][KERNELS_IN_ALL][TYPES];
static PyUFuncGenericFunction loops[TYPES];
static char signatures[TYPES][INPUTS + OUTPUTS];
static char shapes[sizeof "(n),(n),()->" + OUTPUTS * sizeof "()"];

static void fill_signatures(void)
{
    for (int type = 0; type < TYPES; type++) {
        char *signature = signatures[type];
        loops[type] = loop;
        signature[0] = signature[1] = types[type];
        signature[2] = NPY_DOUBLE;
        for (int i = 0; i < OUTPUTS; i++)
            signature[INPUTS + i] = outputs[i].type;
    }
    strcpy(shapes, "(n),(n),()->()");
    for (int i = 1; i < OUTPUTS; i++)
        strcat(shapes, ",()");
}

static PyObject *make_ufunc(int set, int kernel)
{
    for (int type = 0; type < TYPES; type++) {
        variants[set][kernel][type] = (variant_t){sets[set].kernels->kernel[kernel],
                                                  sets[set].kernels->type[type], type == FLOAT64};
        pointers[set][kernel][type] = &variants[set][kernel][type];
    }
    return PyUFunc_FromFuncAndDataAndSignature(loops, pointers[set][kernel], signatures[0], TYPES,
                                               INPUTS, OUTPUTS, PyUFunc_None, names[kernel],
                                               docs[kernel], 0, shapes);
}

static PyObject *kernels(PyObject *module, PyObject *name)
{
    (void)module;
    int set = sets_found - 1;
    const char *wanted = PyUnicode_AsUTF8(name);
    if (wanted == NULL)
        return NULL;
    while (set >= 0 && strcmp(sets[set].name, wanted) != 0)
        set--;
    if (set < 0)
        return PyErr_Format(PyExc_ValueError, "no instruction set %R", name);
    import_array();
    import_umath();
    fill_signatures();
    PyObject *made = PyDict_New();
    for (int kernel = 0; made != NULL && kernel < KERNELS_IN_ALL; kernel++) {
        PyObject *ufunc = make_ufunc(set, kernel);
        if (ufunc == NULL || PyDict_SetItemString(made, names[kernel], ufunc) < 0)
            Py_CLEAR(made);
        Py_XDECREF(ufunc);
    }
    return made;
}

static PyMethodDef methods[] = {
    {"check", check_call, METH_NOARGS,
     "Raise the exception that ended the last call in this thread."},
    {"ask", ask_in_pauses, METH_O,
     "Have a function called in this thread with the address and the bytes of what was read of a "
     "long "
     "row; None for none. What it raises ends the call."},
    {"kernels", kernels, METH_O,
     "Return the generalized ufuncs for one of the instruction sets, by name; imports NumPy."},
    {NULL, NULL, 0, NULL},
};

/* Add a tuple of strings to the module. */
static int add_tuple(PyObject *module, const char *attribute, const char *const *words, int count)
{
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple != NULL && i < count; i++) {
        PyObject *word = PyUnicode_FromString(words[i]);
        if (word == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, word);
    }
    int failed = tuple == NULL ? -1 : PyModule_AddObjectRef(module, attribute, tuple);
    Py_XDECREF(tuple);
    return failed;
}

static int fill(PyObject *module)
{
    const char *of_sets[MOST_SETS], *of_outputs[OUTPUTS];
    find_sets();
    for (int set = 0; set < sets_found; set++)
        of_sets[set] = sets[set].name;
    for (int i = 0; i < OUTPUTS; i++)
        of_outputs[i] = outputs[i].name;
    if (add_tuple(module, "instruction_sets", of_sets, sets_found) < 0)
        return -1;
    return add_tuple(module, "outputs", of_outputs, OUTPUTS);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_kernels",
    .m_doc = "The measures' hot loops in C.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernels(void)
{
    return PyModuleDef_Init(&definition);
}
