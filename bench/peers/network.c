/* The two-layer net in C: full-batch gradient descent on all samples, the cost of every iteration recorded.

   D features   H hidden units   M samples   T iterations
   X (D, M)   y (M,)   W1 (H, D)   b1 (H,)   W2 (H,)   b2 (1,)   costs (T,)   all float64, row by row

   Compile with -DFEATURES=D, so that loops over features unroll, and -DBLOCK=n, the samples of one block: a multiple of
   the vector width, small enough that the activations of a block stay in cache between forward and backward.
   Samples are packed block by block, the last one padded with samples of weight 0. Each thread takes a share of the
   blocks, keeps its own copy of the parameters, and waits for the others once per iteration. */

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { D = FEATURES, B = BLOCK, STRIDE = D + 2 };

#ifdef TANH_BY_EXP
#define TANH(z) (1 - 2 / (exp(2 * (z)) + 1)) /* faster, but inaccurate near 0 */
#else
#define TANH(z) tanh(z)
#endif

/* Sums over samples: for each unit dW1 (D), db1, dW2; then db2 and the cost. */
#define SUMS(H) ((size_t)(H) * STRIDE + 2)

static double *aligned(size_t count) {
    size_t bytes = (count * sizeof(double) + 63) / 64 * 64 + 64; /* a cache line between two threads' arrays */
    double *memory = aligned_alloc(64, bytes);
    if (!memory) abort();
    memset(memory, 0, bytes);
    return memory;
}

/* Overwrite a (H, B) with the activations of a block, and z2 (B) with the output's argument. */
static void forward(int H, const double *restrict x, const double *restrict W1, const double *restrict b1,
                    const double *restrict W2, double b2, double *restrict a, double *restrict z2) {
    for (int m = 0; m < B; m++) z2[m] = b2;
    for (int h = 0; h < H; h++) {
        const double *restrict w = W1 + (size_t)h * D;
        double *restrict ah = a + (size_t)h * B;
        const double b = b1[h], v = W2[h];
#pragma omp simd aligned(x, ah : 64)
        for (int m = 0; m < B; m++) {
            double z = b;
#pragma GCC unroll 128
            for (int d = 0; d < D; d++) z += w[d] * x[d * B + m];
            ah[m] = z;
        }
#pragma omp simd aligned(ah, z2 : 64)
        for (int m = 0; m < B; m++) {
            const double t = TANH(ah[m]);
            ah[m] = t;
            z2[m] += v * t;
        }
    }
}

/* Overwrite dz2 (B) with the derivative of the cost by z2; add to the sums of db2 and of the cost. */
static void output(const double *restrict z2, const double *restrict y, const double *restrict weight,
                   double *restrict dz2, double *restrict sums) {
    double cost = 0, db2 = 0;
#pragma omp simd reduction(+ : cost, db2) aligned(z2, y, weight, dz2 : 64)
    for (int m = 0; m < B; m++) {
        const double z = z2[m], e = exp(-fabs(z));
        const double p = (z >= 0 ? 1 : e) / (1 + e);
        const double r = weight[m] * (p - y[m]);
        dz2[m] = r;
        db2 += r;
        cost += weight[m] * (fmax(z, 0) + log1p(e) - y[m] * z);
    }
    sums[0] += db2;
    sums[1] += cost;
}

/* Add a block's share to the sums of all hidden units. */
static void backward(int H, const double *restrict x, const double *restrict a, const double *restrict dz2,
                     const double *restrict W2, double *restrict sums) {
    for (int h = 0; h < H; h++) {
        const double *restrict ah = a + (size_t)h * B;
        double g[D] = {0}, db1 = 0, dW2 = 0;
#pragma omp simd reduction(+ : g, db1, dW2) aligned(x, ah, dz2 : 64)
        for (int m = 0; m < B; m++) {
            const double s = dz2[m] * ah[m], dz1 = dz2[m] - s * ah[m];
            dW2 += s;
            db1 += dz1;
#pragma GCC unroll 128
            for (int d = 0; d < D; d++) g[d] += dz1 * x[d * B + m];
        }
        double *restrict out = sums + (size_t)h * STRIDE;
        for (int d = 0; d < D; d++) out[d] += W2[h] * g[d];
        out[D] += W2[h] * db1;
        out[D + 1] += dW2;
    }
}

void train(int H, int M, int T, int threads, double learning_rate, const double *X, const double *y, double *W1_out,
           double *b1_out, double *W2_out, double *b2_out, double *costs) {
    const int blocks = (M + B - 1) / B;
    const double step = learning_rate / M;
    double *x = aligned((size_t)blocks * D * B), *labels = aligned((size_t)blocks * B);
    double *weight = aligned((size_t)blocks * B);
    for (int m = 0; m < M; m++) {
        const int k = m / B, j = m % B;
        for (int d = 0; d < D; d++) x[((size_t)k * D + d) * B + j] = X[(size_t)d * M + m];
        labels[m] = y[m];
        weight[m] = 1;
    }
    /* Two sets of sums per thread, used in turns: nobody overwrites what another thread may still be reading. */
    double **sums = malloc(2 * sizeof(double *) * threads);

#pragma omp parallel num_threads(threads)
    {
        const int me = omp_get_thread_num();
        const int first = blocks * me / threads, last = blocks * (me + 1) / threads;
        double *W1 = aligned((size_t)H * D), *b1 = aligned(H), *W2 = aligned(H), b2 = *b2_out;
        double *a = aligned((size_t)H * B), *z2 = aligned(B), *dz2 = aligned(B);
        memcpy(W1, W1_out, sizeof(double) * H * D);
        memcpy(b1, b1_out, sizeof(double) * H);
        memcpy(W2, W2_out, sizeof(double) * H);
        sums[2 * me] = aligned(SUMS(H));
        sums[2 * me + 1] = aligned(SUMS(H));
        for (int i = 0; i < T; i++) {
            double *mine = sums[2 * me + i % 2];
            memset(mine, 0, sizeof(double) * SUMS(H));
            for (int k = first; k < last; k++) {
                forward(H, x + (size_t)k * D * B, W1, b1, W2, b2, a, z2);
                output(z2, labels + (size_t)k * B, weight + (size_t)k * B, dz2, mine + (size_t)H * STRIDE);
                backward(H, x + (size_t)k * D * B, a, dz2, W2, mine);
            }
            if (threads > 1) {
#pragma omp barrier
            }
            double cost = 0;
            for (int t = 0; t < threads; t++) {
                const double *restrict s = sums[2 * t + i % 2];
                for (int h = 0; h < H; h++) {
                    const double *restrict g = s + (size_t)h * STRIDE;
                    for (int d = 0; d < D; d++) W1[(size_t)h * D + d] -= step * g[d];
                    b1[h] -= step * g[D];
                    W2[h] -= step * g[D + 1];
                }
                b2 -= step * s[(size_t)H * STRIDE];
                cost += s[(size_t)H * STRIDE + 1];
            }
            if (me == 0) costs[i] = cost / M;
        }
        if (me == 0) {
            memcpy(W1_out, W1, sizeof(double) * H * D);
            memcpy(b1_out, b1, sizeof(double) * H);
            memcpy(W2_out, W2, sizeof(double) * H);
            *b2_out = b2;
        }
#pragma omp barrier
        free(W1), free(b1), free(W2), free(a), free(z2), free(dz2);
        free(sums[2 * me]), free(sums[2 * me + 1]);
    }
    free(x), free(labels), free(weight), free(sums);
}
