// The agent for Windows, as data of the library, where it could be compiled.
        .section .rodata
        .balign 16
        .globl kiln_embedded_windows_agent_begin
        .globl kiln_embedded_windows_agent_end
        .hidden kiln_embedded_windows_agent_begin
        .hidden kiln_embedded_windows_agent_end
kiln_embedded_windows_agent_begin:
#ifdef KILN_WINDOWS_AGENT_FILE
        .incbin KILN_WINDOWS_AGENT_FILE
#endif
kiln_embedded_windows_agent_end:
        .section .note.GNU-stack, "", %progbits
