// The static agent, as data of the library.
        .section .rodata
        .balign 16
        .globl kiln_embedded_linux_agent_begin
        .globl kiln_embedded_linux_agent_end
        .hidden kiln_embedded_linux_agent_begin
        .hidden kiln_embedded_linux_agent_end
kiln_embedded_linux_agent_begin:
        .incbin KILN_AGENT_FILE
kiln_embedded_linux_agent_end:
        .section .note.GNU-stack, "", %progbits
