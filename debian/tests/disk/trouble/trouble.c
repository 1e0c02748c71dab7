// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel in trouble: "insmod trouble.ko what=oops", what=lockup or what=hang. */
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/string.h>

static char *what = "";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "oops: a bug in a kernel thread; lockup: one that never lets go of its CPU; "
		 "hang: nor hears of anything else");

static int trouble(void *unused)
{
	if (!strcmp(what, "oops"))
		BUG();

	preempt_disable();
	if (!strcmp(what, "hang"))
		local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init trouble_init(void)
{
	struct task_struct *task;

	if (strcmp(what, "oops") && strcmp(what, "lockup") && strcmp(what, "hang"))
		return -EINVAL;

	task = kthread_run(trouble, NULL, "trouble");
	return PTR_ERR_OR_ZERO(task);
}
module_init(trouble_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Trouble for tests of what follows it");
