/* TI_FORMAT(format, first): the compiler checks the arguments of a function like printf(). */
#ifndef TI_FORMAT_H
#define TI_FORMAT_H

#ifdef __MINGW32__ /* its own printf() is C's, but printf is the name of Microsoft's to its compiler */
#define TI_FORMAT(text, first) __attribute__((format(gnu_printf, text, first)))
#else
#define TI_FORMAT(text, first) __attribute__((format(printf, text, first)))
#endif

#endif
