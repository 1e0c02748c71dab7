// SPDX-License-Identifier: GPL-2.0-or-later
#include "ticks.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

static volatile sig_atomic_t stop, suspend, resized;
static sigset_t while_waiting, blocked;

static void note(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else if (sig == SIGTSTP)
		suspend = 1;
	else
		stop = 1;
}

static void on_signal(int sig, void (*handler)(int sig))
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	sigaction(sig, &action, NULL);
}

static uint64_t now_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* What nohup or a shell's background job ignores stays ignored. */
static void catch(int sig)
{
	struct sigaction before;

	sigaction(sig, NULL, &before);
	if (before.sa_handler == SIG_IGN)
		return;
	on_signal(sig, note);
	sigaddset(&blocked, sig);
}

void ticks_begin(struct ticks *t, uint64_t interval_ns, bool screen)
{
	sigemptyset(&blocked);
	catch(SIGINT);
	catch(SIGQUIT);
	catch(SIGTERM);
	catch(SIGHUP);
	if (screen) {
		catch(SIGTSTP);
		catch(SIGWINCH);
	}
	/* They come in pselect() alone, where none is missed. */
	sigprocmask(SIG_BLOCK, &blocked, &while_waiting);
	*t = (struct ticks){ interval_ns, now_ns() + interval_ns, screen && isatty(STDIN_FILENO) };
}

void ticks_suspend(void)
{
	on_signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	/* Here it stops, and here it comes back. */
	sigprocmask(SIG_SETMASK, &while_waiting, NULL);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	on_signal(SIGTSTP, note);
}

bool ticks_stopped(void)
{
	sigset_t pending;

	sigpending(&pending);
	return stop || sigismember(&pending, SIGINT) || sigismember(&pending, SIGQUIT) ||
	       sigismember(&pending, SIGTERM) || sigismember(&pending, SIGHUP);
}

enum tick ticks_wait(struct ticks *t)
{
	for (;;) {
		uint64_t now = now_ns(), left = t->due_ns > now ? t->due_ns - now : 0;
		struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };
		fd_set fds;
		int n;

		FD_ZERO(&fds);
		if (t->keys)
			FD_SET(STDIN_FILENO, &fds);
		n = pselect(STDIN_FILENO + 1, &fds, NULL, NULL, &timeout, &while_waiting);
		if (stop)
			return TICK_STOP;
		if (suspend) {
			suspend = 0;
			return TICK_SUSPEND;
		}
		if (resized) {
			resized = 0;
			return TICK_RESIZED;
		}
		if (n > 0)
			return TICK_KEY;
		now = now_ns();
		if (now < t->due_ns)
			continue;
		do
			t->due_ns += t->interval_ns;
		while (t->due_ns <= now);
		return TICK_DUE;
	}
}
