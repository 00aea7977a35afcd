/*
 * line - a bad line between two network namespaces, for kernels without netem.
 *
 *   cc -O2 -Wall -o line line.c
 *   ./line --here NAME --there NAME --delay MS --loss PERCENT --rate BYTES/S
 *
 * Makes two TUN devices; whoever starts it gives them addresses and moves the second one into another namespace. Packets
 * that enter one leave the other: each direction has the rate, the delay (half a round trip), the loss, and a queue of a
 * fifth of a second before it, as a router has; what does not fit there is dropped. Prints "ready" once the devices exist.
 * What is lost is random with a fixed seed. It ends with its parent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MTU_MAX 2048
#define QUEUE 8192 /* packets; a power of two */
#define QUEUE_S 0.2

typedef struct { double at; int size; char bytes[MTU_MAX]; } packet;
/* One direction: a ring of packets in the order in which they leave. */
typedef struct { int from, to; packet *ring; unsigned head, tail; double free_at; } way;

static double delay_s, loss, rate;
static uint64_t seed = 88172645463325252ull;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
static double random_unit(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (seed >> 11) * (1.0 / 9007199254740992.0);
}
static int open_tun(const char *name) {
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
    perror(name);
    exit(1);
  }
  return fd;
}
static void take_in(way *w) {
  for (;;) {
    packet *p = &w->ring[w->tail % QUEUE];
    int size = read(w->from, p->bytes, MTU_MAX);
    if (size <= 0) return;
    double t = now(), start = w->free_at > t ? w->free_at : t;
    if (random_unit() < loss || start - t > QUEUE_S || w->tail - w->head >= QUEUE - 1) continue;
    w->free_at = start + size / rate;
    p->size = size;
    p->at = w->free_at + delay_s;
    w->tail++;
  }
}
static double let_out(way *w) {
  while (w->head != w->tail) {
    packet *p = &w->ring[w->head % QUEUE];
    if (p->at > now()) return p->at;
    /* A device that is down, or full, loses it. */
    if (write(w->to, p->bytes, p->size) < 0 && errno == EINTR) continue;
    w->head++;
  }
  return 0;
}

int main(int argc, char **argv) {
  const char *here = "here", *there = "there";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--here")) here = argv[i + 1];
    else if (!strcmp(argv[i], "--there")) there = argv[i + 1];
    else if (!strcmp(argv[i], "--delay")) delay_s = atof(argv[i + 1]) / 1000;
    else if (!strcmp(argv[i], "--loss")) loss = atof(argv[i + 1]) / 100;
    else if (!strcmp(argv[i], "--rate")) rate = atof(argv[i + 1]);
  }
  if (rate <= 0) {
    fprintf(stderr, "usage: line --here NAME --there NAME --delay MS --loss PERCENT --rate BYTES/S\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int a = open_tun(here), b = open_tun(there);
  way ways[] = {{.from = a, .to = b}, {.from = b, .to = a}};
  for (int i = 0; i < 2; i++) ways[i].ring = calloc(QUEUE, sizeof(packet));
  puts("ready");
  fflush(stdout);
  for (;;) {
    double next = 0;
    for (int i = 0; i < 2; i++) {
      double at = let_out(&ways[i]);
      if (at > 0 && (next == 0 || at < next)) next = at;
    }
    double wait = next > 0 ? next - now() : 1;
    if (wait < 0) wait = 0;
    struct timespec span = {(time_t)wait, (long)((wait - (time_t)wait) * 1e9)};
    struct pollfd fds[] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    if (ppoll(fds, 2, &span, NULL) < 0 && errno != EINTR) return 1;
    for (int i = 0; i < 2; i++)
      if (fds[i].revents & POLLIN) take_in(&ways[i]);
  }
}
