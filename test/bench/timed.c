/*
 * timed - runs a program to its end and prints, as one line of JSON, what the operating system accounts for it.
 *
 *   cc -O2 -Wall -o timed timed.c
 *   ./timed PROGRAM [ARGUMENT...]
 *   {"wallMs":41.3,"cpuMs":40.1,"peakRssBytes":47185920,"exitCode":0}
 *
 * The program's standard output goes to /dev/null; its standard error stays. Processor time includes the processes that
 * the program started and waited for; the memory is that of the largest one. A program that a signal ended has exit code
 * 128 + the signal, as in a shell. Where this program is killed, the other one is killed too.
 *
 * This is a program of its own, and small, because Linux counts the memory of the process that forks towards the peak of
 * the one that it starts: started from Node, every program would show Node's 50 MiB.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}
static double ms(struct timeval t) { return t.tv_sec * 1e3 + t.tv_usec / 1e3; }

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: timed PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  double began = now_ms();
  pid_t pid = fork();
  if (pid < 0) {
    perror("timed: fork");
    return 2;
  }
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a benchmark that is interrupted leaves nothing behind */
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, 1);
    execv(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  int status;
  struct rusage used;
  if (wait4(pid, &status, 0, &used) < 0) {
    perror("timed: wait4");
    return 2;
  }
  printf("{\"wallMs\":%.3f,\"cpuMs\":%.3f,\"peakRssBytes\":%ld,\"exitCode\":%d}\n", now_ms() - began,
         ms(used.ru_utime) + ms(used.ru_stime), used.ru_maxrss * 1024L,
         WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  return 0;
}
