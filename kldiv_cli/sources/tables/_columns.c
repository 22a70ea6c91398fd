/* Columns of Arrow -> rows: numbers that lie column by column are copied so that they lie row by row.
 *
 * The columns come by Arrow's C data interface, so that none of a thousand of them costs a call of
 * Python.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* https://arrow.apache.org/docs/format/CDataInterface.html */
struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

/* The rows that are filled: `step` bytes from one to the next. */
typedef struct {
    char *first;
    ptrdiff_t step;
    int64_t rows, columns;
} rows_t;

/* So many rows at a time: their pages, and those of the columns beside them, fit the processor's
 * table of pages. */
#define ROWS_AT_ONCE 256

/* Copy some rows of AT_ONCE columns, or fewer, which fill a line of the cache. */
#define DEFINE_COPY(NAME, TYPE, AT_ONCE) \
    static void NAME(const rows_t *to, const char *const *from, int64_t first, int64_t last) \
    { \
        for (int64_t column = 0; column < to->columns; column += AT_ONCE) { \
            int64_t left = to->columns - column; \
            int count = left < AT_ONCE ? (int)left : AT_ONCE; \
            for (int64_t row = first; row < last; row++) { \
                TYPE line[AT_ONCE]; \
                char *target = to->first + row * to->step + column * (ptrdiff_t)sizeof(TYPE); \
                if (count == AT_ONCE) { \
                    for (int i = 0; i < AT_ONCE; i++) \
                        memcpy(&line[i], from[column + i] + row * (ptrdiff_t)sizeof(TYPE), \
                               sizeof(TYPE)); \
                    memcpy(target, line, sizeof line); \
                } else { \
                    for (int i = 0; i < count; i++) \
                        memcpy(target + i * (ptrdiff_t)sizeof(TYPE), \
                               from[column + i] + row * (ptrdiff_t)sizeof(TYPE), sizeof(TYPE)); \
                } \
            } \
        } \
    }

DEFINE_COPY(copy_2, uint16_t, 32)
DEFINE_COPY(copy_4, uint32_t, 16)
DEFINE_COPY(copy_8, uint64_t, 8)

/* A type of numbers: Arrow's letter, which is Python's too, its size, its copy and its NaN. */
typedef struct {
    char letter;
    size_t size;
    void (*copy)(const rows_t *, const char *const *, int64_t, int64_t);
    uint64_t nan; /* in the first bytes, whatever the byte order */
} kind_t;

static kind_t kinds[] = {{'e', 2, copy_2, 0}, {'f', 4, copy_4, 0}, {'g', 8, copy_8, 0}};

static void find_nans(void)
{
    uint16_t half = 0x7e00;
    uint32_t single = 0x7fc00000;
    uint64_t twice = 0x7ff8000000000000;
    memcpy(&kinds[0].nan, &half, sizeof half);
    memcpy(&kinds[1].nan, &single, sizeof single);
    memcpy(&kinds[2].nan, &twice, sizeof twice);
}

static const kind_t *kind_of(const char *format)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (format[0] == kinds[i].letter && format[1] == '\0')
            return &kinds[i];
    return NULL;
}

/* Write NaN over the cells of a column that hold nothing. */
static void put_nans(const rows_t *to, const kind_t *kind, int64_t column,
                     const struct ArrowArray *from, int64_t offset)
{
    const uint8_t *valid = from->buffers[0];
    if (valid == NULL || from->null_count == 0)
        return;
    for (int64_t row = 0; row < to->rows; row++) {
        int64_t bit = offset + row;
        if (!(valid[bit >> 3] >> (bit & 7) & 1))
            memcpy(to->first + row * to->step + column * (ptrdiff_t)kind->size, &kind->nan,
                   kind->size);
    }
}

/* Whether all columns are of the kind, and have the rows. */
static int fits(const rows_t *to, const kind_t *kind, const struct ArrowSchema *schema,
                const struct ArrowArray *batch)
{
    if (schema->n_children != to->columns || batch->n_children != to->columns ||
        batch->length != to->rows)
        return 0;
    for (int64_t i = 0; i < to->columns; i++) {
        const struct ArrowArray *column = batch->children[i];
        if (kind_of(schema->children[i]->format) != kind || column->n_buffers != 2 ||
            column->length < to->rows || column->buffers[1] == NULL)
            return 0;
    }
    return 1;
}

static int copy_all(const rows_t *to, const kind_t *kind, const struct ArrowArray *batch)
{
    const char **from = PyMem_Malloc((size_t)to->columns * sizeof *from);
    if (from == NULL)
        return -1;
    Py_BEGIN_ALLOW_THREADS for (int64_t i = 0; i < to->columns; i++)
    {
        const struct ArrowArray *column = batch->children[i];
        from[i] = (const char *)column->buffers[1] +
                  (batch->offset + column->offset) * (ptrdiff_t)kind->size;
    }
    for (int64_t first = 0; first < to->rows; first += ROWS_AT_ONCE) {
        int64_t last = first + ROWS_AT_ONCE;
        kind->copy(to, from, first, last < to->rows ? last : to->rows);
    }
    for (int64_t i = 0; i < to->columns; i++)
        put_nans(to, kind, i, batch->children[i], batch->offset + batch->children[i]->offset);
    Py_END_ALLOW_THREADS PyMem_Free(from);
    return 0;
}

/* copy(schema, batch, rows): copy the columns of a record batch, which come as capsules, and tell
 * whether that was done. Rows are an array of float16, float32 or float64, all columns of its type,
 * or nothing is done. Cells that hold nothing become NaN. */
static PyObject *copy(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *of_schema, *of_batch, *target;
    if (!PyArg_ParseTuple(args, "OOO", &of_schema, &of_batch, &target))
        return NULL;
    const struct ArrowSchema *schema = PyCapsule_GetPointer(of_schema, "arrow_schema");
    const struct ArrowArray *batch = PyCapsule_GetPointer(of_batch, "arrow_array");
    Py_buffer buffer;
    if (schema == NULL || batch == NULL ||
        PyObject_GetBuffer(target, &buffer, PyBUF_STRIDED | PyBUF_WRITABLE) < 0)
        return NULL;
    int done = 0;
    const kind_t *kind = schema->n_children > 0 ? kind_of(schema->children[0]->format) : NULL;
    if (kind != NULL && buffer.ndim == 2 && buffer.itemsize == (Py_ssize_t)kind->size &&
        buffer.strides[1] == buffer.itemsize) {
        rows_t to = {buffer.buf, buffer.strides[0], buffer.shape[0], buffer.shape[1]};
        done = fits(&to, kind, schema, batch) ? 1 : 0;
        if (done && copy_all(&to, kind, batch) < 0)
            done = -1;
    }
    PyBuffer_Release(&buffer);
    return done < 0 ? PyErr_NoMemory() : PyBool_FromLong(done);
}

static PyMethodDef methods[] = {
    {"copy", copy, METH_VARARGS, "Copy the columns of a record batch into rows."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "kldiv_cli.sources.tables._columns",
    .m_doc = "Columns of Arrow copied into rows.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__columns(void)
{
    find_nans();
    return PyModule_Create(&definition);
}
