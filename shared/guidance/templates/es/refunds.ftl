# Dinero que se devuelve. Nada se llama reembolsado antes de serlo.

refund-approved =
    .title = Su reembolso está aprobado
    .text =
        Le reembolsaremos { $amount } de su pedido { $order } por el mismo método de pago.

        Le avisaremos cuando esté hecho.
    .alternative = Pedido { $order }: le reembolsaremos { $amount } por el mismo método de pago y le avisaremos cuando esté hecho.

refund-under-review =
    .title = Estamos revisando su reembolso
    .text =
        Ha solicitado un reembolso de { $amount } de su pedido { $order }. Una persona lo está revisando.

        Le comunicaremos la decisión. No tiene que hacer nada.
    .alternative = Pedido { $order }: estamos revisando su reembolso de { $amount } y le comunicaremos la decisión.

refund-sent =
    .title = Su reembolso está en camino
    .text =
        El proveedor de pagos está tramitando el reembolso de { $amount } de su pedido { $order }.

        Le avisaremos cuando esté hecho.
    .alternative = Pedido { $order }: el proveedor de pagos está tramitando el reembolso de { $amount }. Le avisaremos cuando esté hecho.

refund-succeeded =
    .title = Su reembolso está hecho
    .text =
        Se han reembolsado { $amount } de su pedido { $order } por el mismo método de pago.

        Su banco puede tardar unos días en mostrarlo.
    .alternative = Pedido { $order }: se han reembolsado { $amount } por el mismo método de pago. Su banco puede tardar unos días en mostrarlo.

refund-failed =
    .title = Su reembolso no se ha podido hacer
    .text =
        El reembolso de { $amount } de su pedido { $order } no se ha podido hacer. El dinero no le ha llegado.

        Sigue siendo suyo. Estamos buscando otra vía y nos pondremos en contacto con usted.
    .alternative = Pedido { $order }: el reembolso de { $amount } no se ha podido hacer. El dinero sigue siendo suyo. Buscamos otra vía y nos pondremos en contacto con usted.

refund-rejected =
    .title = No podemos hacer este reembolso
    .text =
        No podemos hacer el reembolso que ha solicitado de su pedido { $order }.

        Póngase en contacto con nosotros para que podamos explicárselo.
    .alternative = Pedido { $order }: no podemos hacer el reembolso que ha solicitado. Póngase en contacto con nosotros para que podamos explicárselo.

refund-rejected-amount =
    .title = No podemos hacer este reembolso: supera lo que queda
    .text =
        El reembolso que ha solicitado supera lo que queda del pago de su pedido { $order }.

        Solicite un importe menor o póngase en contacto con nosotros.
    .alternative = Pedido { $order }: el reembolso que ha solicitado supera lo que queda del pago. Solicite un importe menor.

refund-rejected-nothing-paid =
    .title = No hay nada que reembolsar
    .text =
        No hemos recibido dinero por su pedido { $order }, así que no hay nada que reembolsar.

        Si su banco muestra un importe retenido, lo liberará.
    .alternative = Pedido { $order }: no hemos recibido dinero, así que no hay nada que reembolsar. Si su banco retuvo un importe, lo liberará.

refund-rejected-disputed =
    .title = No podemos hacer este reembolso mientras su banco lo examina
    .text =
        Su banco está examinando el pago de su pedido { $order }. Hasta que decida, no podemos reembolsar este dinero.

        Su banco le comunicará su decisión.
    .alternative = Pedido { $order }: su banco está examinando el pago. No podemos reembolsarlo hasta que el banco decida.

refund-rejected-window =
    .title = El plazo para pedir un reembolso ha terminado
    .text =
        El plazo para pedir un reembolso de su pedido { $order } ha terminado.

        Si cree que se trata de un error, póngase en contacto con nosotros.
    .alternative = Pedido { $order }: el plazo para pedir un reembolso ha terminado. Si cree que se trata de un error, póngase en contacto con nosotros.
