/* The kernels as NumPy generalized ufuncs, (classes),(classes),() -> () for each result.
 *
 * Importing this needs no NumPy: `instruction_sets` tells what the processor can run, the fastest
 * last, and `kernels(instruction_set)` makes the ufuncs.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#include "rows.h"

#define INPUTS 3
#define OUTPUTS 9
#define AT_ONCE 64

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

static void put(char **outputs, const npy_intp *steps, npy_intp row, const row_t *found)
{
    const double values[] = {found->jeffreys, found->kl, found->reverse_kl};
    const int64_t counts[] = {found->argmax[0],   found->argmax[1], found->status,
                              found->mismatches, found->same,      found->of};
    for (int i = 0; i < 3; i++)
        memcpy(outputs[i] + row * steps[i], &values[i], sizeof values[i]);
    for (int i = 0; i < 6; i++)
        memcpy(outputs[3 + i] + row * steps[3 + i], &counts[i], sizeof counts[i]);
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
        variant->kernel(&first, count, step, found);
        for (npy_intp i = 0; i < count; i++)
            put(args + INPUTS, steps + INPUTS, row + i, &found[i]);
        row += count;
    }
}

/* NumPy lets go of the interpreter only where there are more than 500 rows, however long they are. */
#define WORTH_LETTING_GO 10000

static void loop(char **args, const npy_intp *dimensions, const npy_intp *steps, void *data)
{
    PyThreadState *held = NULL;
    if ((double)dimensions[0] * (double)dimensions[1] > WORTH_LETTING_GO && PyGILState_Check())
        held = PyEval_SaveThread();
    measure(args, dimensions, steps, data);
    if (held != NULL)
        PyEval_RestoreThread(held);
}

static const char *const names[KERNELS_IN_ALL] = {"softmax", "sigmoid_jeffreys", "sigmoid"};
static const char *const docs[KERNELS_IN_ALL] = {
    "J, KL(p||q), KL(q||p), argmax of s and t, status, mask mismatches, same, of.",
    "The same with J alone: the two KL are 0.",
    "The same, summed over cells.",
};

/* NumPy keeps pointers to all of these. */
static variant_t variants[MOST_SETS][KERNELS_IN_ALL][TYPES];
static void *pointers[MOST_SETS][KERNELS_IN_ALL][TYPES];
static PyUFuncGenericFunction loops[TYPES];
static char signatures[TYPES * (INPUTS + OUTPUTS)];

static void fill_signatures(void)
{
    for (int type = 0; type < TYPES; type++) {
        char *signature = signatures + type * (INPUTS + OUTPUTS);
        loops[type] = loop;
        signature[0] = signature[1] = types[type];
        for (int i = 2; i < INPUTS + 3; i++)
            signature[i] = NPY_DOUBLE;
        for (int i = INPUTS + 3; i < INPUTS + OUTPUTS; i++)
            signature[i] = NPY_INT64;
    }
}

static PyObject *make_ufunc(int set, int kernel)
{
    for (int type = 0; type < TYPES; type++) {
        variants[set][kernel][type] = (variant_t){sets[set].kernels->kernel[kernel],
                                                  sets[set].kernels->type[type], type == FLOAT64};
        pointers[set][kernel][type] = &variants[set][kernel][type];
    }
    return PyUFunc_FromFuncAndDataAndSignature(
        loops, pointers[set][kernel], signatures, TYPES, INPUTS, OUTPUTS, PyUFunc_None, names[kernel],
        docs[kernel], 0, "(n),(n),()->(),(),(),(),(),(),(),(),()");
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
    {"kernels", kernels, METH_O,
     "Return the generalized ufuncs for one of the instruction sets, by name; imports NumPy."},
    {NULL, NULL, 0, NULL},
};

static int fill(PyObject *module)
{
    find_sets();
    PyObject *found = PyTuple_New(sets_found);
    if (found == NULL)
        return -1;
    for (int set = 0; set < sets_found; set++) {
        PyObject *name = PyUnicode_FromString(sets[set].name);
        if (name == NULL) {
            Py_DECREF(found);
            return -1;
        }
        PyTuple_SET_ITEM(found, set, name);
    }
    int failed = PyModule_AddObjectRef(module, "instruction_sets", found);
    Py_DECREF(found);
    return failed;
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
